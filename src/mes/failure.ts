/** By Node's codes, which are OpenSSL's. */
const certificateFaults: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'shows a certificate that has expired, or one above it has',
  CERT_NOT_YET_VALID: 'shows a certificate that is not valid yet, or one above it is not; look at the clocks',
  ERR_TLS_CERT_ALTNAME_INVALID: 'shows a certificate for another name than that in its url'
}

const certificateFault =
  /^(CERT_|CRL_|UNABLE_TO_|ERROR_IN_CERT|INVALID_(CA|PURPOSE)|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS_CERT|SELF_SIGNED|DEPTH_ZERO)/

/** Why there was no answer, without anything that was sent: words that go on with the name of the system. */
export function describeFailure(error: NodeJS.ErrnoException, timeoutMs: number): string {
  const { code, name } = error
  if (name === 'AbortError' || name === 'TimeoutError')
    return `did not answer within ${timeoutMs / 1_000} seconds`
  if (code === undefined) return 'cannot be reached'
  if (Object.hasOwn(certificateFaults, code)) return `${certificateFaults[code]} (${code})`
  if (certificateFault.test(code))
    return `shows a certificate that is not trusted here (${code}); caFile of its entry names the CA`
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO')
    return `and this machine do not come to terms about TLS (${code})`
  if (code.startsWith('HPE_')) return `answered what is no HTTP (${code})`
  return code === 'ECONNRESET' ? `closed the connection (${code})` : `cannot be reached (${code})`
}
