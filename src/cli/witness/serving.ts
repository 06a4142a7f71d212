import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { pino, stdTimeFunctions } from 'pino'
import { closeWithin } from '../../composition/listening/closing.ts'
import type { PairFiles } from '../../config/server-pair-files.ts'
import { builtAt } from '../../config/version.ts'
import { describeErrorForLog } from '../../errors/error-log.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { createBoundedServer } from '../../http/connections/server.ts'
import { answerClientError } from '../../http/problems/problem-details.ts'
import { parseKnownLogs } from '../../transparency/known-logs.ts'
import { formatVerifierKey } from '../../transparency/note/verifier-key.ts'
import { Witness } from '../../witness/witness.ts'
import { type CommandIo, nextSignal, readInputFile, UsageError } from '../command.ts'
import { isSystemError } from '../tls/listening.ts'
import { type OpenedWitness, openWitness } from './files.ts'
import { createWitnessHandler } from './handler.ts'
import { openPair } from './pair.ts'

export interface WitnessServing {
  readonly directory: string
  readonly logsFile: string
  readonly host: string
  readonly port: number
  /** Without it, plain HTTP. */
  readonly pair: PairFiles | undefined
}

const requestTimeoutMs = 10_000
const headersTimeoutMs = 10_000
const keepAliveTimeoutMs = 60_000
const closeTimeoutMs = 5_000
/** All of them with a whole body in memory is 16 MiB. */
const connectionLimits = {
  maximumConnections: 256,
  maximumConnectionsPerAddress: 128,
  progressTimeoutMs: 30_000
}

/**
 * Serves the witness in the folder until SIGTERM or SIGINT.
 *
 * @returns the exit code. @throws UsageError; what `openWitness` and `parseKnownLogs` throw; MintlineError
 * `clock_untrusted` for a clock that is before this program was built, `config_invalid` for a pair that cannot be used.
 */
export async function serveWitness(io: CommandIo, serving: WitnessServing): Promise<number> {
  const clock = () => new Date()
  const log = pino({
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: error => describeErrorForLog(error) }
  })
  assertClock(clock())
  const logs = parseKnownLogs(await readInputFile(serving.logsFile))
  using opened = await openWitness(serving.directory)
  const { keys, state, keep } = opened
  const witness = new Witness({ keys, logs, state, keep, clock, log })
  await using stops = new AsyncDisposableStack()
  const tls = await openPair(serving.pair, { log, clock }, stops)
  const server = createBoundedServer(createWitnessHandler(witness, log), {
    requestTimeoutMs,
    headersTimeoutMs,
    keepAliveTimeoutMs,
    connectionLimits,
    tls
  })
  server.on('clientError', answerClientError)
  const stopped = nextSignal()
  await listen(server, serving)
  io.write(greeting(server, serving, opened))
  log.info({ signal: await stopped }, 'stopping')
  await closeWithin(server, closeTimeoutMs, promisify(server.close.bind(server)))
  return 0
}

function assertClock(now: Date): void {
  if (now >= builtAt) return
  throw new MintlineError(
    'clock_untrusted',
    `The clock of this machine says ${now.toISOString()}, which is before this program was built (${builtAt.toISOString()}). Set it right.`
  )
}

async function listen(server: Server, { host, port }: WitnessServing): Promise<void> {
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw new UsageError(`--host ${host} --port ${port} cannot be listened on (${error.code})`)
  }
}

function greeting(server: Server, { pair }: WitnessServing, { keys, state }: OpenedWitness): string {
  const { address, port, family } = server.address() as AddressInfo
  const host = family === 'IPv6' ? `[${address}]` : address
  const known = [...state].map(([origin, { checkpoint }]) => `  ${origin}: ${checkpoint.size} entries\n`)
  return `The witness listens on ${pair === undefined ? 'http' : 'https'}://${host}:${port}
Its verifier keys:
${keys.map(({ verifierKey }) => `  ${formatVerifierKey(verifierKey)}\n`).join('')}${known.length === 0 ? '' : `Cosigned last:\n${known.join('')}`}`
}
