import { lookup as lookUpName } from 'node:dns'
import * as http from 'node:http'
import * as https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { MintlineError } from '../../errors/mintline-error.ts'
import { findRefusedKind } from './addresses.ts'

/** The status that came back, or what went wrong and whether the message was, or may have been, on its way by then. */
export type Posted =
  { readonly status: number } | { readonly error: NodeJS.ErrnoException; readonly hasLeft: boolean }

interface Message {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Never rejects. */
export type Post = (message: Message, signal: AbortSignal) => Promise<Posted>

export interface PostDependencies {
  readonly url: string
  /** Whether it may be an address of this machine or of a network that is not public. */
  readonly allowsPrivate: boolean
  /** The resolver of names, as `dns.lookup` is one. */
  readonly lookup?: LookupFunction
}

/** How long a connection is kept for the next message; receivers close theirs after five seconds and more. */
const idleMs = 4_000
/** Of what is written in an answer so much is taken, so that the connection serves the next message as well. */
const answerBytes = 65_536
const answerMs = 1_000

/** Also where NODE_TLS_REJECT_UNAUTHORIZED says otherwise, and not by what an earlier connection was found to be. */
const verified = { rejectUnauthorized: true, maxCachedSessions: 0 }

/**
 * Posts to one address and to no other: a redirection is not followed. Each time that it connects, the addresses that the
 * name leads to are looked at, and the certificate is verified in full. What is in an answer is not kept.
 */
export function createPost({ url, allowsPrivate, lookup = lookUpName }: PostDependencies): Post {
  const target = new URL(url)
  const isSecure = target.protocol === 'https:'
  const { Agent, request: open } = isSecure ? https : http
  const agent = new Agent({ keepAlive: true, timeout: idleMs, ...(isSecure && verified) })
  // An address in the place of the name is not looked up.
  const literal = target.hostname.replace(/^\[(.*)\]$/, '$1')
  const checked = checkLookup(lookup, allowsPrivate)

  return ({ headers, body }, signal) =>
    new Promise(resolve => {
      const refusal = isIP(literal) === 0 ? undefined : refuse([literal], allowsPrivate)
      if (refusal !== undefined) return resolve({ error: refusal, hasLeft: false })
      let hasLeft = false
      const sent = open(target, {
        method: 'POST',
        agent,
        lookup: checked,
        signal,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) }
      })
      sent.on('socket', socket => {
        if (sent.reusedSocket) hasLeft = true
        else socket.once(isSecure ? 'secureConnect' : 'connect', () => (hasLeft = true))
      })
      sent.on('error', error => resolve({ error, hasLeft }))
      sent.on('response', response => {
        pourAway(response)
        resolve({ status: response.statusCode! })
      })
      sent.end(body)
    })
}

/** Lets through the addresses to which events may go, and fails where there are none. */
function checkLookup(lookup: LookupFunction, allowsPrivate: boolean): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '')
      const all = Array.isArray(found) ? found : []
      const allowed = all.filter(({ address }) => findRefusedKind(address, allowsPrivate) === undefined)
      const [first] = allowed
      if (first === undefined) {
        const refusal = refuse(
          all.map(({ address }) => address),
          allowsPrivate
        )
        return callback(refusal ?? new Error('The name leads to no address.'), '')
      }
      if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
}

/** Of the first that is refused. */
function refuse(addresses: readonly string[], allowsPrivate: boolean): MintlineError | undefined {
  for (const address of addresses) {
    const kind = findRefusedKind(address, allowsPrivate)
    if (kind === undefined) continue
    const rule =
      findRefusedKind(address, true) === undefined
        ? 'MINTLINE_WEBHOOK_PRIVATE_ADDRESSES is off'
        : 'nothing is ever sent to one'
    return new MintlineError(
      'webhook_failed',
      `MINTLINE_WEBHOOK_URL leads to ${address}, a ${kind} address, and ${rule}. Name a receiver elsewhere, or correct the name's entry in the DNS.`
    )
  }
  return undefined
}

function pourAway(response: http.IncomingMessage): void {
  let left = answerBytes
  const end = () => response.destroy()
  const timer = setTimeout(end, answerMs)
  response.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) end()
  })
  response.on('error', () => undefined)
  response.on('close', () => clearTimeout(timer))
}
