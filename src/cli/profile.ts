import { writeFile } from 'node:fs/promises'
import { type Config, loadConfig } from '../config/config.ts'
import { quoteForShell } from '../config/shell.ts'
import { checkTemplate } from '../jitp/checks/check.ts'
import { readTemplateSource } from '../jitp/reading/template-source.ts'
import type { TemplateSwitches } from '../jitp/template/options.ts'
import type { SubjectField } from '../pki/name/subject-field.ts'
import { compileProfile } from '../profiles/compiled-profile.ts'
import { isProfileName, type ProfileDocument } from '../profiles/document.ts'
import { buildFirstProfile } from '../profiles/first-profile.ts'
import { tokenFile } from '../starter/token-file.ts'
import { type CommandIo, parseFlags, readInputFile, UsageError } from './command.ts'
import { describeViolation } from './failure-text.ts'
import { readSwitches, switchFlags, switchUsage } from './template/switches.ts'

export const profileUsage = `usage: mintline profile init --template FILE [--name NAME] [--authority LINE] [--out FILE]
           [switches]

Writes a first profile for a provisioning template, to be read, changed and posted: the subject fields that the template
declares are required, the fields that it names things by are the device, the rest are the defaults. Says what to do next.

  --template              in any form that \`mintline template check\` reads
  --name                  of the profile; devices unless given
  --authority             the authority line that is to sign; starter unless given
  --out                   the file to write, which must not exist; profile.json unless given

${switchUsage}
Needs no service and no database.
`

/**
 * @returns the exit code.
 * @throws UsageError; MintlineError `profile_invalid` where AWS IoT would not provision by the template.
 */
export async function runProfile(io: CommandIo, args: readonly string[]): Promise<number> {
  const [action, ...rest] = args
  if (action !== 'init') throw new UsageError('the only command is `init`')
  const { template, out, ...choices } = parseOptions(rest)
  const source = readTemplateSource(new TextDecoder().decode(await readInputFile(template)))
  if (checkTemplate(source, choices.switches).some(({ id }) => id === 'serial-number-source-missing')) {
    throw new UsageError(
      `${template} uses AWS::IoT::Certificate::SerialNumber: say with --serial-number-source what it stands for`
    )
  }
  const profile = buildFirstProfile(source, choices)
  const { warnings } = compileProfile(profile)
  await writeNewFile(out, `${JSON.stringify(profile, null, 2)}\n`)
  for (const warning of warnings) io.writeError(`warning:\n${describeViolation(warning)}\n`)
  io.write(describeNextSteps(profile, out, loadConfig(io.environment)))
  return 0
}

interface Options {
  readonly template: string
  readonly out: string
  readonly name: string
  readonly authority: string
  readonly switches: TemplateSwitches
}

function parseOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const options = { template: text, name: text, authority: text, out: text, ...switchFlags }
  const {
    template,
    out = 'profile.json',
    name = 'devices',
    authority = 'starter',
    ...others
  } = parseFlags(args, options)
  if (template === undefined) throw new UsageError('--template is missing')
  for (const [flag, value] of Object.entries({ name, authority })) {
    if (!isProfileName(value)) {
      throw new UsageError(`--${flag} is lower-case letters, digits and inner hyphens, at most 64`)
    }
  }
  return { template, out, name, authority, switches: readSwitches(others) }
}

async function writeNewFile(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new UsageError(`${file} is there already: name another file with --out`)
    throw new UsageError(`${file} cannot be written (${error.code ?? 'unknown reason'})`)
  })
}

/** As `openssl req -subj` names them, with something to put there. */
const sampleSubject: Readonly<Record<SubjectField, string>> = {
  Country: 'C=US',
  Organization: 'O=Acme',
  OrganizationalUnit: 'OU=Sensors',
  DistinguishedNameQualifier: 'dnQualifier=A7',
  StateName: 'ST=Ohio',
  CommonName: 'CN=device-0001',
  SerialNumber: 'serialNumber=0001',
  Locality: 'L=Dayton'
}

function describeNextSteps(
  { name, authority, subject, deviceIdentity = [] }: ProfileDocument,
  file: string,
  { host, port, dataDirectory, tlsCertFile }: Config
): string {
  const url = `${tlsCertFile === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
  const required = Object.entries(subject).flatMap(([field, rule]) =>
    rule.rule === 'required' ? [field as SubjectField] : []
  )
  const token = (role: 'admin' | 'station') =>
    `-H "Authorization: Bearer $(cat ${quoteForShell(tokenFile(dataDirectory, role))})"`
  return `${file} is the profile ${name}: ${authority} signs, a CSR must carry ${required.join(', ')}, and a device is its ${deviceIdentity.join(' and ')}.

Next:
1. Read it. A pattern or a list of values for ${deviceIdentity[0]} keeps typing errors out; docs/certificate-profiles.md
   explains each member.
2. Post it, as often as you change it; each post makes the next version:

  curl -sS --fail-with-body ${token('admin')} \\
    -H "Content-Type: application/json" --data-binary @${quoteForShell(file)} ${url}/v1/profiles

3. Ask for a certificate by it:

  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\
    -keyout device.key -out deviceCert.csr -subj "/${required.map(field => sampleSubject[field]).join('/')}"

  curl -sS --fail-with-body ${token('station')} \\
    -H "Content-Type: application/pkcs10" -H "Accept: application/pem-certificate-chain" \\
    --data-binary @deviceCert.csr -o deviceCertAndCACert.crt "${url}/v1/issuances?profile=${name}"
`
}
