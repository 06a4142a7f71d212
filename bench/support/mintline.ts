import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuSecondsOf, mainThreadMs, residentMebibytes } from './cpu-time.ts'
import type { Target } from './load.ts'
import { startProgram } from './program.ts'

export interface RunningMintline {
  readonly port: number
  readonly stationToken: string
  readonly adminToken: string
  /** Where stations post CSRs in DER for the starter's profile. */
  readonly issuances: Target
  /** Posts JSON as the administrator. Throws unless it is answered with 2xx. */
  readonly administer: (path: string, body: object) => Promise<unknown>
  /** `issuances` for another station, which it makes. */
  readonly addStation: (name: string) => Promise<Target>
  /** CPU seconds so far: of the service, and of its PostgreSQL. */
  readonly cpuSeconds: () => { readonly service: number; readonly postgres: number }
  /** What the service has of the machine's memory at this moment. */
  readonly residentMebibytes: () => number
  /** Milliseconds that the thread that serves all requests has run so far. */
  readonly threadMs: () => number
  readonly stop: () => Promise<void>
  /** With no chance to clean up. */
  readonly kill: () => Promise<void>
}

export interface MintlineOptions {
  /** It stays when the service stops. Without it, a fresh one that does not. */
  readonly dataDirectory?: string
  readonly environment?: Readonly<Record<string, string>>
}

const host = '127.0.0.1'

/** The built service, as a new user starts it: with its own PostgreSQL, unless the environment names another. */
export async function startMintline(options: MintlineOptions = {}): Promise<RunningMintline> {
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'mintline-bench-')))
  const { pid, port, stop, kill } = await startProgram(['serve'], {
    MINTLINE_DATA_DIR: dataDirectory,
    MINTLINE_PORT: '0',
    MINTLINE_LOG_LEVEL: 'warn',
    ...options.environment
  })
  const tokenOf = async (role: string) =>
    (await readFile(join(dataDirectory, `${role}-token`), 'utf8')).trim()
  const stationToken = await tokenOf('station')
  const adminToken = await tokenOf('admin')
  const issuancesAs = (token: string): Target => ({
    host,
    port,
    path: '/v1/issuances?profile=starter',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/pkcs10' }
  })
  async function administer(path: string, body: object): Promise<unknown> {
    const answer = await fetch(`http://${host}:${port}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status}: ${await answer.text()}`)
    return answer.json()
  }
  return {
    port,
    stationToken,
    adminToken,
    residentMebibytes: () => residentMebibytes(pid),
    issuances: issuancesAs(stationToken),
    administer,
    async addStation(name) {
      await administer('/v1/stations', { name, profiles: ['*'] })
      const made = await administer('/v1/tokens', { role: 'station', name, station: name })
      return issuancesAs((made as { secret: string }).secret)
    },
    cpuSeconds: () => ({
      service: cpuSecondsOf((_, candidate) => candidate === pid),
      postgres: cpuSecondsOf(commandLine => commandLine.startsWith('postgres:'))
    }),
    threadMs: () => mainThreadMs(pid),
    kill,
    async stop() {
      await stop()
      if (options.dataDirectory === undefined) await rm(dataDirectory, { recursive: true, force: true })
    }
  }
}
