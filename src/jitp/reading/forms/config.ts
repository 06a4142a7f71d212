import type { FindingText } from '../../findings/finding.ts'
import { quoted } from '../../findings/quoted.ts'
import { pointerTo } from '../json/places.ts'
import type { JsonObject } from '../json/source.ts'
import { storedTypeOf, type TemplateHolder } from './holder.ts'

/** How the API's members are written: by the AWS CLI, by SDKs and CloudFormation, by Terraform and in Python. */
const spellings = [
  {
    config: 'registrationConfig',
    body: 'templateBody',
    roleArn: 'roleArn',
    stored: 'provisioningRoleArn',
    name: 'templateName',
    arn: 'templateArn',
    version: 'versionId',
    type: 'type'
  },
  {
    config: 'RegistrationConfig',
    body: 'TemplateBody',
    roleArn: 'RoleArn',
    stored: 'ProvisioningRoleArn',
    name: 'TemplateName',
    arn: 'TemplateArn',
    version: 'VersionId',
    type: 'Type'
  },
  {
    config: 'registration_config',
    body: 'template_body',
    roleArn: 'role_arn',
    stored: 'provisioning_role_arn',
    name: 'template_name',
    arn: 'template_arn',
    version: 'version_id',
    type: 'type'
  }
] as const

export interface ConfigHolder extends TemplateHolder {
  /** Whether the members are written as the AWS CLI writes them. */
  readonly isOfCli: boolean
  /** Whether it is what register-ca-certificate takes, and no description of a stored template. */
  readonly isRegistrationConfig: boolean
}

/**
 * The registration config, or the description of a stored template or of one of its versions, in any spelling that AWS's
 * tools use. Undefined where there is no body in it.
 */
export function readConfig(members: JsonObject, pointer: string): ConfigHolder | undefined {
  const index = spellings.findIndex(({ body }) => members[body] !== undefined)
  const spelling = spellings[index]
  if (spelling === undefined) return undefined
  const { body, roleArn, stored, name, arn, version, type } = spelling
  const has = (member: string) => members[member] !== undefined
  const isStored = has(stored) || has(name) || has(arn)
  const isVersion = !isStored && has(version)
  return {
    name: '',
    pointer,
    members,
    body,
    roleArn: isVersion ? undefined : isStored ? stored : roleArn,
    type: (isStored || isVersion) && has(type) ? storedTypeOf(members[type]) : undefined,
    isOfCli: index === 0,
    isRegistrationConfig: !isStored && !isVersion
  }
}

/** What a registration config has beside body and role. */
export function unknownMembersOf({
  members,
  body,
  roleArn = '',
  pointer
}: ConfigHolder): readonly FindingText[] {
  return Object.keys(members).flatMap(name =>
    name === body || name === roleArn
      ? []
      : [
          {
            pointer: pointerTo(pointer, name),
            message: `A registration config has no member ${quoted(name)}.`,
            expected: `${body}, ${roleArn}`,
            found: quoted(name)
          }
        ]
  )
}

/** The name of the member that holds a registration config, as a call of the API or a reply has it. */
export function configMemberOf(members: JsonObject): string | undefined {
  return spellings.map(({ config }) => config).find(name => members[name] !== undefined)
}

/** The member that names a stored template whose body is not given, and the name. */
export function namedOnlyBy(
  members: JsonObject
): { readonly member: string; readonly name: string } | undefined {
  for (const { name: member } of spellings) {
    const name = members[member]
    if (typeof name === 'string') return { member, name }
  }
  return undefined
}
