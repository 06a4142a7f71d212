import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { placeMadeCluster } from './postgres/made-cluster.ts'
import { startListening } from './program/listening.ts'
import { builtProgram } from './program/program.ts'

/** The service as an operator runs it: a process of its own, spoken to over HTTP. */
export interface ServiceProcess {
  readonly url: string
  readonly pid: number
  readonly dataDirectory: string
  /** What it has printed so far, both streams. */
  readonly output: () => string
  readonly secondsToReady: number
  /** The starter token of a role. */
  readonly token: (role: 'station' | 'auditor' | 'admin') => Promise<string>
  readonly signal: (signal: NodeJS.Signals) => void
  /** Sends a signal and waits for the end; gives the exit code, or null after a fatal signal. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>
}

interface HowItStarts {
  /** The file that is run. Default: as the run has built it. */
  readonly program?: string
  /** Whether it makes its own database, as at a user's first start. Default: it finds it made and migrated, and empty. */
  readonly isFirst?: boolean
}

/** Starts it on a free port and waits until it is ready. */
export async function startServiceProcess(
  dataDirectory: string,
  environment: Readonly<Record<string, string>> = {},
  { program = builtProgram(), isFirst = false }: HowItStarts = {}
): Promise<ServiceProcess> {
  if (!isFirst && environment['DATABASE_URL'] === undefined) await placeMadeCluster(dataDirectory)
  const start = performance.now()
  const { url, child, output, end } = await startListening([program, 'serve'], {
    env: { ...process.env, MINTLINE_DATA_DIR: dataDirectory, MINTLINE_PORT: '0', ...environment }
  })
  return {
    url,
    pid: child.pid ?? 0,
    dataDirectory,
    output,
    secondsToReady: (performance.now() - start) / 1000,
    token: async role => (await readFile(join(dataDirectory, `${role}-token`), 'utf8')).trim(),
    signal: signal => void child.kill(signal),
    end
  }
}

/** Posts a CSR as a station does. */
export function postCsr(
  service: Pick<ServiceProcess, 'url'>,
  token: string,
  csr: Uint8Array | string
): Promise<Response> {
  return send(service.url, { authorization: `Bearer ${token}` }, csr)
}

/** Posts a CSR as a station that takes the chain as a file. */
export function postCsrForChain(
  service: Pick<ServiceProcess, 'url'>,
  token: string,
  csr: Uint8Array
): Promise<Response> {
  const accept = 'application/pem-certificate-chain'
  return send(service.url, { authorization: `Bearer ${token}`, accept }, csr)
}

function send(url: string, headers: Readonly<Record<string, string>>, csr: Uint8Array | string) {
  return fetch(`${url}/v1/issuances?profile=starter`, {
    method: 'POST',
    headers: { 'content-type': 'application/pkcs10', ...headers },
    body: typeof csr === 'string' ? csr : Buffer.from(csr)
  })
}
