const unknownIssuer =
  'is of a CA that is not trusted here. If the receiver sends its intermediate certificates too, name the file of its CA in ' +
  'NODE_EXTRA_CA_CERTS, and start again'

/** By Node's codes, which are OpenSSL's. */
const certificateFaults: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'or one above it has expired. Renew it at the receiver',
  CERT_NOT_YET_VALID:
    'or one above it is not valid yet. Look at the clocks of this machine and of the receiver',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'is for another name than that in MINTLINE_WEBHOOK_URL. Correct the setting, or have the name put into the certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownIssuer,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer
}

const otherCertificateFault =
  /^(CERT_|CRL_|UNABLE_TO_|ERROR_IN_CERT|INVALID_(CA|PURPOSE)|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS_CERT)/

/** What is wrong with the receiver's certificate, or with TLS at all; undefined where neither is. For the operator. */
export function describeTlsFailure({ code }: NodeJS.ErrnoException): string | undefined {
  if (code === undefined) return undefined
  if (Object.hasOwn(certificateFaults, code))
    return `The certificate of the webhook ${certificateFaults[code]} (${code}).`
  if (otherCertificateFault.test(code)) return `The certificate of the webhook cannot be verified (${code}).`
  return code.startsWith('ERR_SSL_') || code === 'EPROTO'
    ? `The webhook and this machine do not come to terms about TLS (${code}).`
    : undefined
}
