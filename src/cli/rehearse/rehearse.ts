import { renderReport, renderStep } from '../../rehearsal/story/report/report.ts'
import { playStory, type StoryOptions } from '../../rehearsal/story/story.ts'
import { type CommandIo, parseFlags, readInputFile, untilStopped, UsageError } from '../command.ts'
import { readSwitches, switchFlags, switchUsage } from '../template/switches.ts'

const rehearseUsage = `usage: mintline rehearse [--kms] [--revoke] [--template FILE [switches]] [--csr FILE [--key FILE]] [--json]
       mintline rehearse aws [options]
       mintline rehearse kms [options]

Plays the whole road of a device on this machine, with no AWS account: the service, its CA, the registration with
AWS IoT, the CSR, the first power-up and what comes of it, held against what was predicted. Nothing is left behind.

--kms       the CA key is in AWS KMS
--revoke    at the end the certificate is revoked while the device is connected: it is thrown off, and refused
--template  your own provisioning template, in any form that \`mintline template check\` reads
--csr       your own CSR, PEM; without it a device is made up
--key       the private key of that CSR, PEM, not encrypted; without it the device cannot connect
--json      for programs: one JSON document in place of the story

${switchUsage}The stand-in of AWS IoT Core behaves as the switches say.

Exit code 0: provisioned as predicted. 1: not. 2: wrong usage.

aws   runs the stand-in of AWS IoT Core on its own
kms   runs the stand-in of AWS KMS on its own
\`mintline rehearse aws --help\` and \`mintline rehearse kms --help\` say more.
`

/** Not for people: a rehearsal starts it. */
const serviceCommand = 'service'

export async function rehearseUsageOf([what]: readonly string[]): Promise<string> {
  if (what === 'aws') return (await import('./aws.ts')).rehearsalAwsUsage
  if (what === 'kms') return (await import('./kms.ts')).rehearsalKmsUsage
  return rehearseUsage
}

/**
 * Runs `mintline rehearse …`.
 *
 * @returns the exit code.
 * @throws UsageError; what the stand-ins throw.
 */
export async function runRehearse(io: CommandIo, args: readonly string[]): Promise<number> {
  const [what, ...rest] = args
  if (what === 'kms') return (await import('./kms.ts')).runRehearsalKms(io, rest)
  if (what === 'aws') return (await import('./aws.ts')).runRehearsalAws(io, rest)
  if (what === serviceCommand) return (await import('./service.ts')).runRehearsalService(io)
  const { isJson, ...options } = await readOptions(args)
  const interruption = new AbortController()
  void untilStopped(io).then(() => interruption.abort())
  const report = await playStory({
    ...options,
    serviceCommand: [process.execPath, process.argv[1]!, 'rehearse', serviceCommand],
    clearUp: async dataDirectory =>
      (await import('../../database/embedded/removal.ts')).removeDataDirectory(dataDirectory),
    environment: io.environment,
    signal: interruption.signal,
    onStep: (step, number) => isJson || io.write(renderStep(step, number))
  })
  io.write(isJson ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report))
  return report.verdict === 'as-predicted' ? 0 : 1
}

type ReadOptions = Pick<
  StoryOptions,
  'kms' | 'revoke' | 'templateText' | 'switches' | 'csrText' | 'privateKeyPem'
>

async function readOptions(args: readonly string[]): Promise<ReadOptions & { readonly isJson: boolean }> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const flags = parseFlags(args, {
    kms: flag,
    revoke: flag,
    json: flag,
    template: text,
    csr: text,
    key: text,
    ...switchFlags
  })
  if (flags.key !== undefined && flags.csr === undefined) throw new UsageError('--key is the key of --csr')
  return {
    kms: flags.kms,
    revoke: flags.revoke,
    isJson: flags.json,
    templateText: await readText(flags.template),
    switches: readSwitches(flags),
    csrText: await readText(flags.csr),
    privateKeyPem: await readText(flags.key)
  }
}

async function readText(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : (await readInputFile(file)).toString('utf8')
}
