import { dirname } from 'node:path'
import { type LocalKeyType, localKeyTypes } from '../../signing/signers/local/local-key.ts'
import { type CommandIo, parseWordsAndFlags, UsageError, wholeNumberOf } from '../command.ts'
import { readConnectionSettings } from '../enroll/arguments.ts'
import { isFailure } from '../enroll/asking.ts'
import { createConnection } from '../enroll/exchange/connection.ts'
import { exitCodes } from '../enroll/exchange/outcome.ts'
import { assertWritable, KeepingError } from '../enroll/keeping/keeping.ts'
import { describeFailedRequest, viewFailure } from '../enroll/telling.ts'
import { askForOwnCertificate } from './asking.ts'
import { forgetPendingKey, keepNew, loadPendingKey, type OwnFile, readOwnFile } from './own-file.ts'

export const stationUsage = `usage: mintline station certificate --url URL --out FILE [--token-file FILE] [--renew] [--ca-file FILE]

Has a certificate issued for this station, by which it is let in from then on: makes a key, has it certified, and puts both
into one file that only you can read. What is there stays until the new pair is whole.

  --url URL          the service, such as https://mintline.factory.example
  --out FILE         key and chain, in PEM; curl takes it as --cert, mintline enroll as --client-cert and --client-key
  --token-file FILE  its first line is the token of the station; without it, the certificate in --out lets it in
  --renew            does nothing until two thirds of the life of the certificate in --out are over: for cron
  --ca-file FILE     PEM of the CA that signed the server's certificate, where it is none that everybody knows
  --key-type TYPE    ${localKeyTypes.join(', ')}; P-256 unless given
  --deadline SECONDS how long to try, 120 unless given. 0 is one try
  --json             tells what came of it as JSON

exit codes: 0 done, or nothing to do; 1 the file cannot be written; 2 the arguments are wrong; 3 refused, do not ask again; 4 the service is
busy, ask again later; 5 the service cannot be reached, or what answers is not the service
`

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

/** @throws UsageError */
export async function runStation(io: CommandIo, args: readonly string[]): Promise<number> {
  const { positionals, values: flags } = parseWordsAndFlags(args, {
    url: text,
    out: text,
    'token-file': text,
    'ca-file': text,
    'key-type': text,
    deadline: text,
    renew: flag,
    json: flag
  })
  if (positionals.length !== 1 || positionals[0] !== 'certificate')
    throw new UsageError('the only command is `certificate`')
  const { out, json: isJson = false } = flags
  if (out === undefined) throw new UsageError('--out names the file for key and certificate')
  await assertWritable('--out', dirname(out))
  const own = await readOwnFile(out)
  if (flags.renew === true && own !== undefined && new Date() < own.renewAfter)
    return tellKept(io, { out, own, isJson })
  try {
    return await obtain(io, { ...flags, out, isJson, keyType: keyTypeOf(flags['key-type']) }, own)
  } catch (error) {
    if (!(error instanceof KeepingError)) throw error
    io.writeError(
      `mintline station: ${error.message}. Put that right and run it again: it gets the same answer.\n`
    )
    return 1
  }
}

interface Wanted {
  readonly url?: string | undefined
  readonly 'token-file'?: string | undefined
  readonly 'ca-file'?: string | undefined
  readonly deadline?: string | undefined
  readonly out: string
  readonly isJson: boolean
  readonly keyType: LocalKeyType
}

async function obtain(io: CommandIo, wanted: Wanted, own: OwnFile | undefined): Promise<number> {
  const { out, isJson, deadline, keyType, 'token-file': tokenFile } = wanted
  const settings = await readConnectionSettings({
    url: wanted.url,
    'ca-file': wanted['ca-file'],
    ...(tokenFile === undefined ? credentialOf(out, own) : { 'token-file': tokenFile })
  })
  const connection = createConnection(settings)
  try {
    const key = await loadPendingKey(out, keyType)
    const exchange = {
      deadlineMs: (deadline === undefined ? 120 : wholeNumberOf('--deadline', deadline, 86_400)) * 1_000,
      random: Math.random,
      onWait: () => undefined
    }
    const result = await askForOwnCertificate(connection, exchange, key)
    if (isFailure(result)) {
      // Nobody certifies it any more: the next run makes another one.
      if (result.kind === 'refused' && keyCodes.includes(result.code)) await forgetPendingKey(out)
      if (isJson) io.write(`${JSON.stringify({ out, ...viewFailure(result) })}\n`)
      io.writeError(`mintline station: ${describeFailedRequest(result)}\n`)
      return exitCodes[result.kind]
    }
    await keepNew(out, key, result.chainDer)
    return tellIssued(io, { out, own: await requireOwn(out), isJson })
  } finally {
    connection.close()
  }
}

const keyCodes: readonly string[] = ['station_key_refused', 'key_blocked', 'key_refused']

/** @throws UsageError where there is nothing to be let in by. */
function credentialOf(out: string, own: OwnFile | undefined) {
  if (own === undefined)
    throw new UsageError(`--token-file names the token of the station: there is no certificate in ${out} yet`)
  if (own.notAfter < new Date())
    throw new UsageError(
      `--token-file names the token of the station: the certificate in ${out} ended ${own.notAfter.toISOString()}`
    )
  return { 'client-cert': out, 'client-key': out }
}

function keyTypeOf(asked = 'P-256'): LocalKeyType {
  const keyType = localKeyTypes.find(each => each === asked)
  if (keyType !== undefined) return keyType
  throw new UsageError(`--key-type is one of ${localKeyTypes.join(', ')}`)
}

async function requireOwn(out: string): Promise<OwnFile> {
  const own = await readOwnFile(out)
  if (own === undefined) throw new KeepingError(`${out} was written, and cannot be read`)
  return own
}

interface Told {
  readonly out: string
  readonly own: OwnFile
  readonly isJson: boolean
}

function tellKept(io: CommandIo, { out, own, isJson }: Told): number {
  const renewAfter = own.renewAfter.toISOString()
  if (isJson) io.write(`${JSON.stringify({ outcome: 'kept', exitCode: 0, out, renewAfter })}\n`)
  else io.write(`kept: ${out}, to be renewed after ${renewAfter}\n`)
  return 0
}

function tellIssued(io: CommandIo, { out, own, isJson }: Told): number {
  const { certificateId } = own
  const [notAfter, renewAfter] = [own.notAfter, own.renewAfter].map(time => time.toISOString())
  const told = { outcome: 'issued', exitCode: 0, out, certificateId, notAfter, renewAfter }
  if (isJson) io.write(`${JSON.stringify(told)}\n`)
  else io.write(`issued: ${out}, until ${notAfter}, to be renewed after ${renewAfter}\n`)
  return 0
}
