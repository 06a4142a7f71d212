import { UsageError, type CommandIo } from './command.ts'

export const rehearseUsage = `usage: mintline rehearse kms [options]

kms   runs a stand-in of AWS KMS on this machine

\`mintline rehearse kms --help\` says more.
`

/** @throws UsageError; what the stand-ins throw. */
export async function runRehearse(io: CommandIo, [what, ...args]: readonly string[]): Promise<number> {
  if (what !== 'kms') throw new UsageError('say what: kms')
  const { runRehearsalKms } = await import('./rehearsal-kms.ts')
  return runRehearsalKms(io, args)
}
