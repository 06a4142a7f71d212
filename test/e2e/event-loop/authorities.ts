import type { ServiceProcess } from '../../support/service-process.ts'

export interface Bearer {
  readonly authorization: string
}

export interface AskedAuthority {
  readonly line: string
  readonly keyType: string
  readonly certificate: object
}

/** Asks for an authority with a local key, as an administrator. */
export function createAuthority(
  { url }: Pick<ServiceProcess, 'url'>,
  bearer: Bearer,
  { line, keyType, certificate }: AskedAuthority
): Promise<Response> {
  return fetch(`${url}/v1/authorities`, {
    method: 'POST',
    headers: { ...bearer, 'content-type': 'application/json' },
    body: JSON.stringify({
      line,
      key: { kind: 'local', keyType },
      subject: { CommonName: line },
      certificate
    })
  })
}
