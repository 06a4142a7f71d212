import { type CommandIo, UsageError } from '../command.ts'
import {
  concurrencyOf,
  deadlineOf,
  type EnrollFlags,
  formatOf,
  metadataOf,
  parseEnrollFlags,
  readConnectionSettings,
  subjectOf,
  warnWithoutTls
} from './arguments.ts'
import { checkStation } from './check.ts'
import { enrollDirectory } from './directory.ts'
import { type Connection, createConnection } from './exchange/connection.ts'
import type { ExchangeSettings } from './exchange/exchange.ts'
import { KeepingError } from './keeping/keeping.ts'
import { enrollOne } from './one.ts'
import type { Station } from './station.ts'
import { describeFailedRequest } from './telling.ts'

export const enrollUsage = `usage: mintline enroll --url URL --token-file FILE --profile NAME --csr FILE --out FILE
       mintline enroll --url URL --token-file FILE --profile NAME --dir DIRECTORY [--out DIRECTORY]
       mintline enroll --url URL --token-file FILE --check [--profile NAME]

What a station runs: has CSRs certified, tries again where that helps, holds each answer against its CSR, and keeps it whole.
To run it again is always safe: the same CSR gets the same certificate.

  --url URL          the service, such as https://mintline.factory.example
  --token-file FILE  its first line is the token of the station
  --ca-file FILE     PEM of the CA that signed the server's certificate, where it is none that everybody knows
  --client-cert FILE, --client-key FILE
                     PEM of the certificate and key that this station shows to the server
  --profile NAME     what to certify under
  --lot ID           the lot that the device belongs to
  --subject FIELD=VALUE
                     what the certificate is to carry where the CSR has a fixed subject or none, such as CommonName=SN-000451; once
                     for each field that the profile lets a station set. With --csr
  --metadata KEY:VALUE
                     to find the record again; may be given up to 16 times
  --csr FILE         one CSR, as PEM or DER, and
  --out FILE         where its answer goes; what is there stays unless there is a new one
  --dir DIRECTORY    every *.csr of it; answers go beside them, or into the directory --out, under the same names. Those that
                     have theirs already are passed over. Shows its progress on a terminal
  --concurrency N    with --dir: requests at once, 8 unless given
  --format FORMAT    pem: the chain that the device presents; der: its certificate alone; pkcs7: the chain; c-array: both, as a
                     header of C; esp-secure-cert: rows for Espressif's configure_esp_secure_cert.py. pem unless given
  --deadline SECONDS how long to try for each CSR, 120 unless given; with --check 10. 0 is one try
  --check            asks whether this station could work now; takes and issues nothing
  --json             tells what came of it as JSON, one line for each CSR

exit codes: 0 done; 1 an answer cannot be written; 2 the arguments are wrong; 3 refused, do not send it again; 4 the service is busy or not ready, send it
again later; 5 the service cannot be reached, or what answers is not the service
`

const usualDeadlineSeconds = 120
const usualCheckSeconds = 10

/** @throws UsageError */
export async function runEnroll(
  io: CommandIo & { readonly isWatched: boolean },
  args: readonly string[]
): Promise<number> {
  const flags = parseEnrollFlags(args)
  assertOneTask(flags)
  const settings = await readConnectionSettings(flags)
  warnWithoutTls(io, settings)
  const connection = createConnection(settings)
  try {
    return flags.check === true ? await check(io, connection, flags) : await certify(io, connection, flags)
  } catch (error) {
    if (!(error instanceof KeepingError)) throw error
    io.writeError(
      `mintline enroll: ${error.message}. Put that right and run it again: it gets the same answer.\n`
    )
    return 1
  } finally {
    connection.close()
  }
}

/** @throws UsageError unless it is one CSR, a directory, or the check. */
function assertOneTask({ csr, dir, check: isCheck, out, profile, lot, subject }: EnrollFlags): void {
  const tasks = [csr !== undefined, dir !== undefined, isCheck === true].filter(Boolean)
  if (tasks.length !== 1) throw new UsageError('give one of --csr, --dir and --check')
  // All of a directory would be one device.
  if (subject !== undefined && csr === undefined) throw new UsageError('--subject goes with --csr')
  if (isCheck === true) {
    if (out !== undefined || lot !== undefined) throw new UsageError('--check takes neither --out nor --lot')
    return
  }
  if (profile === undefined) throw new UsageError('--profile names what to certify under')
  if (csr !== undefined && out === undefined) throw new UsageError('--out names the file for the answer')
}

function check(io: CommandIo, connection: Connection, flags: EnrollFlags): Promise<number> {
  const { profile, json: isJson = false } = flags
  const exchange = exchangeOf(io, deadlineOf(flags, usualCheckSeconds))
  return checkStation(io, { connection, exchange, profile, isJson, now: new Date() })
}

function certify(
  io: CommandIo & { readonly isWatched: boolean },
  connection: Connection,
  flags: EnrollFlags
): Promise<number> {
  const { csr, dir, out, profile = '', lot, json: isJson = false } = flags
  const { isWatched } = io
  const wanted = { profile, lot, subject: subjectOf(flags), metadata: metadataOf(flags) }
  const exchange = exchangeOf(io, deadlineOf(flags, usualDeadlineSeconds))
  const format = formatOf(flags)
  if (csr !== undefined) {
    const station: Station = { connection, exchange, wanted }
    return enrollOne(io, station, { csrFile: csr, outFile: out ?? '', format, isJson })
  }
  const concurrency = concurrencyOf(flags)
  const csrDirectory = dir ?? ''
  // Several wait at once there; what came of them is told at the end.
  const station: Station = { connection, exchange: { ...exchange, onWait: () => undefined }, wanted }
  const outDirectory = out ?? csrDirectory
  return enrollDirectory(io, station, { csrDirectory, outDirectory, format, isJson, concurrency, isWatched })
}

function exchangeOf(io: CommandIo, deadlineSeconds: number): ExchangeSettings {
  return {
    deadlineMs: deadlineSeconds * 1_000,
    random: Math.random,
    onWait(outcome, waitMs) {
      if (outcome.kind === 'answered') return
      const [reason = ''] = describeFailedRequest(outcome).split('\n', 1)
      io.writeError(`${reason} Trying again in ${(waitMs / 1_000).toFixed(1)} s.\n`)
    }
  }
}
