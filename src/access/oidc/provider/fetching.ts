import http from 'node:http'
import https from 'node:https'

/** How a document of the provider is asked for. */
interface DocumentRequest {
  /** Ends the wait, also in the middle of an answer. */
  readonly signal: AbortSignal
  readonly caPem?: string | undefined
}

export type FetchDocument = (url: string, request: DocumentRequest) => Promise<unknown>

/** Keys and metadata of large providers are some ten thousand octets. */
const maximumBytes = 262_144

/**
 * Gets one JSON document by HTTPS, through the proxy of the process, or from this machine by HTTP. The certificate is
 * verified, also where NODE_TLS_REJECT_UNAUTHORIZED says otherwise; a redirection is not followed.
 *
 * @throws Error whose message is for the operator: it holds nothing that was answered.
 */
export const fetchDocument: FetchDocument = async (url, request) => {
  const body = await get(new URL(url), request)
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw new Error(`What ${url} answers is not JSON.`)
  }
}

function get(url: URL, { signal, caPem }: DocumentRequest): Promise<string> {
  const isSecure = url.protocol === 'https:'
  const { proxyEnv } = https.globalAgent.options
  const agent = isSecure
    ? new https.Agent({
        rejectUnauthorized: true,
        maxCachedSessions: 0,
        ...(caPem !== undefined && { ca: caPem }),
        ...(proxyEnv !== undefined && { proxyEnv })
      })
    : new http.Agent()
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const fail = (error: NodeJS.ErrnoException) => reject(new Error(describe(url, error), { cause: error }))
  const open = isSecure ? https.request : http.request
  const asked = open(url, { agent, signal, headers: { accept: 'application/json' } })
  asked.on('error', fail)
  asked.on('response', response => {
    const refuse = (what: string) => {
      reject(new Error(`${url.href} ${what}.`))
      asked.destroy()
    }
    if (response.statusCode !== 200) return refuse(`answers ${response.statusCode}`)
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maximumBytes) refuse(`answers with more than ${maximumBytes} octets`)
      else chunks.push(chunk)
    })
    response.on('error', fail)
    response.on('end', () => resolve(Buffer.concat(chunks).toString()))
  })
  asked.end()
  return promise.finally(() => agent.destroy())
}

function describe({ href }: URL, { name, code }: NodeJS.ErrnoException): string {
  if (name === 'AbortError' || name === 'TimeoutError') return `${href} does not answer in time.`
  return `${href} cannot be reached${code === undefined ? '' : ` (${code})`}.`
}
