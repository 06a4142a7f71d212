/** Node's codes of a connection that was never made or that broke. */
const brokenConnections: readonly string[] = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT'
]
const unknownNames: readonly string[] = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']
const noAnswers: readonly string[] = [
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'AbortError'
]
/** OpenSSL's names of a certificate that is not trusted, as Node has them. */
const distrust =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID)$/

/** What Node and the SDK put on an error of the network. */
interface NetworkTraits {
  readonly name?: unknown
  readonly code?: unknown
  readonly address?: unknown
  readonly hostname?: unknown
  readonly host?: unknown
  readonly port?: unknown
  readonly statusCode?: unknown
  readonly $metadata?: { readonly httpStatusCode?: unknown }
  readonly $response?: { readonly headers?: Readonly<Record<string, unknown>> }
}

/**
 * What kept a request from AWS or its answer from us, and what to look at; undefined for what AWS itself said. It names
 * addresses, never what was sent.
 */
export function describeNetworkFailure(cause: unknown): string | undefined {
  if (cause instanceof AggregateError) return describeNetworkFailure(cause.errors[0])
  if (!(cause instanceof Error)) return undefined
  const error: NetworkTraits & Error = cause
  const code = typeof error.code === 'string' ? error.code : ''
  if (unknownNames.includes(code))
    return `the name ${textOf(error.hostname, 'of its endpoint')} is not known here (${code}). Check the region and the name service; behind a proxy, set HTTPS_PROXY.`
  if (code === 'ERR_PROXY_TUNNEL')
    return `the proxy that HTTPS_PROXY names does not let it through${statusOf(error.statusCode)}. Check its address and its credentials, and whether it admits the endpoints of AWS.`
  if (distrust.test(code))
    return `the certificate that answers is not trusted (${code}). Where a proxy opens TLS, name a file with its root in NODE_EXTRA_CA_CERTS.`
  if (brokenConnections.includes(code) && typeof error.address === 'string')
    return `${code} at ${error.address}:${textOf(error.port, '?')}. Check the network; behind a proxy, set HTTPS_PROXY.`
  if (noAnswers.includes(error.name) || brokenConnections.includes(code))
    return `no answer came in time, or the connection broke (${code || error.name}). Check the network; behind a proxy, set HTTPS_PROXY.`
  // The SDK could not read it as what AWS sends.
  if (error.name === 'SyntaxError' && error.$metadata !== undefined)
    return `what answered was not AWS${statusOf(error.$metadata.httpStatusCode)}${typeOf(error)}. Look for a proxy or a portal on the way.`
  return undefined
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise
}

function statusOf(status: unknown): string {
  return typeof status === 'number' ? ` (HTTP ${status})` : ''
}

function typeOf({ $response }: NetworkTraits): string {
  const type = $response?.headers?.['content-type']
  return typeof type === 'string' ? `, with ${type.slice(0, 80)}` : ''
}
