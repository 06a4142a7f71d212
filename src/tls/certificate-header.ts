/**
 * The headers by which proxies hand on the certificate of their client:
 *
 * - `Client-Cert`, with `Client-Cert-Chain`: RFC 9440.
 * - `X-Forwarded-Client-Cert`: Envoy, and the meshes on it.
 * - `X-SSL-Client-Cert`: nginx, with `$ssl_client_escaped_cert`; PEM, percent-encoded.
 */
export const certificateHeaders = ['Client-Cert', 'X-Forwarded-Client-Cert', 'X-SSL-Client-Cert'] as const

export type CertificateHeader = (typeof certificateHeaders)[number]
