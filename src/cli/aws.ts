import type { Examination } from '../aws/iot/examination.ts'
import { createRoleExaminer } from '../aws/iot/role-check.ts'
import { examineTemplate } from '../jitp/checks/check.ts'
import { isError } from '../jitp/findings/finding.ts'
import {
  buildPermissionPolicy,
  buildTrustPolicy,
  type RequiredAction,
  requiredActions
} from '../jitp/policy/required-actions.ts'
import { isRoleArn } from '../jitp/reading/role-arn.ts'
import { readTemplateSource } from '../jitp/reading/template-source.ts'
import { type CommandIo, parseWordsAndFlags, readInputFile, UsageError } from './command.ts'
import { readSwitches, switchFlags, switchUsage } from './template/switches.ts'

export const awsUsage = `usage: mintline aws required-actions FILE [--role-arn ARN [--region REGION] [--account-alias PROFILE]] [switches] [--json]

Prints the trust policy and the permission policy of the role that AWS IoT assumes to run a provisioning template.

  FILE             the template, in any form that \`mintline template check\` reads
  --role-arn       compare with this role as IAM has it; needs iam:GetRole and iam:SimulatePrincipalPolicy
  --region         default us-east-1; it matters in other partitions alone
  --account-alias  a profile of the AWS SDK's shared config; default the SDK's own chain
  --json           for programs

${switchUsage}
Exit code 0: the role, if one was given, lacks nothing essential. 1: it does, or the template has errors.
`

/** @throws UsageError; MintlineError `aws_refused`, `aws_unavailable`. @returns the exit code. */
export async function runAws(io: CommandIo, args: readonly string[]): Promise<number> {
  const { file, options } = parseCommand(args)
  const source = readTemplateSource((await readInputFile(file)).toString('utf8'))
  const { template, findings } = examineTemplate(source, {
    // Whatever it stands for, the actions are the same.
    serialNumberSource: 'certificate',
    ...readSwitches(options)
  })
  if (findings.some(isError)) {
    io.writeError(`The template has errors: see \`mintline template check ${file}\`.\n`)
    return 1
  }
  const actions = requiredActions(template)
  const role =
    options['role-arn'] === undefined ? undefined : await examineRole(options['role-arn'], actions, options)
  io.write(options.json === true ? renderJson(actions, role) : renderText(actions, role))
  return role === undefined || role.drift.length === 0 ? 0 : 1
}

function parseCommand(args: readonly string[]) {
  const text = { type: 'string' } as const
  const { positionals, values } = parseWordsAndFlags(args, {
    'role-arn': text,
    region: text,
    'account-alias': text,
    json: { type: 'boolean' },
    ...switchFlags
  })
  const [action, file, ...more] = positionals
  if (action !== 'required-actions') throw new UsageError('the only command is `required-actions`')
  if (file === undefined || more.length > 0) throw new UsageError('give one file')
  const roleArn = values['role-arn']
  if (roleArn !== undefined && !isRoleArn(roleArn))
    throw new UsageError('--role-arn is not the ARN of a role')
  return { file, options: values }
}

async function examineRole(
  roleArn: string,
  actions: readonly RequiredAction[],
  options: { readonly region?: string | undefined; readonly 'account-alias'?: string | undefined }
): Promise<Examination> {
  const { region = 'us-east-1', 'account-alias': accountAlias = '' } = options
  const roles = createRoleExaminer({ region, accountAlias })
  try {
    return await roles.examine(roleArn, actions)
  } finally {
    roles.destroy()
  }
}

function renderText(actions: readonly RequiredAction[], role: Examination | undefined): string {
  const json = (value: object) => JSON.stringify(value, null, 2)
  const width = Math.max(...actions.map(({ action }) => action.length))
  return [
    'Trust policy of the role:',
    json(buildTrustPolicy()),
    '',
    'Permission policy of the role:',
    json(buildPermissionPolicy(actions)),
    '',
    'What each is for (* no device can be provisioned without it):',
    ...actions.map(
      ({ action, reason, isEssential }) => `  ${isEssential ? '*' : ' '} ${action.padEnd(width)}  ${reason}`
    ),
    ...(role === undefined ? [] : ['', ...renderRole(role)]),
    ''
  ].join('\n')
}

function renderRole({ drift, notes }: Examination): readonly string[] {
  const verdict = drift.length === 0 ? 'The role lacks nothing essential.' : 'The role does not do:'
  return [
    verdict,
    ...drift.map(({ field, expected, found }) => `  ${field}: expected ${expected}, found ${found}`),
    ...notes.map(note => `  note: ${note}`)
  ]
}

function renderJson(actions: readonly RequiredAction[], role: Examination | undefined): string {
  const result = {
    trustPolicy: buildTrustPolicy(),
    permissionPolicy: buildPermissionPolicy(actions),
    actions,
    ...(role !== undefined && { role })
  }
  return `${JSON.stringify(result, null, 2)}\n`
}
