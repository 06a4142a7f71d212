import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { type PairText, tlsVersions } from '../../tls/server-pair.ts'

/** What a server shows, and whose clients it asks for a certificate. */
interface TlsText extends PairText {
  /** In PEM. Undefined: none is asked for; that does not change. */
  readonly clientAuthoritiesPem?: string | undefined
}

/** What a server over TLS is told. */
export interface ServerTls {
  readonly current: () => TlsText
  /** Gets each that takes the place of the one before. @returns a function that ends it. */
  readonly follow: (take: (text: TlsText) => void) => () => void
  readonly onFailure: (failure: HandshakeFailure) => void
}

/** A handshake that came to nothing. */
export interface HandshakeFailure {
  /** Of Node or OpenSSL; of a request in the clear, `ERR_SSL_HTTP_REQUEST`. */
  readonly code: string
  /** Undefined where the client has gone. */
  readonly address: string | undefined
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Connections that there are keep what they were made with; a new pair is for those to come. A client certificate is asked
 * for and never required: what is to be thought of it is said to the request, where the client can read it.
 */
export function createTlsServer(
  handler: Handler,
  options: ServerOptions & { readonly handshakeTimeout: number },
  tls: ServerTls
): Server {
  const context = contextOf(tls.current())
  const asking = { requestCert: context.ca !== undefined, rejectUnauthorized: false }
  const server = createServer({ ...options, ...context, ...asking, noDelay: true }, handler)
  server.once(
    'close',
    tls.follow(text => server.setSecureContext(contextOf(text)))
  )
  // Node's listener hands it on as if HTTP had failed, which would be answered, to somebody with whom nothing is agreed.
  server.removeAllListeners('tlsClientError')
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const { remoteAddress: address } = socket
    socket.destroy()
    tls.onFailure({ code: error.code ?? 'unknown', address })
  })
  return server
}

function contextOf({ certificatePem, keyPem, clientAuthoritiesPem: ca }: TlsText) {
  // Node takes an empty text for none given, and would name all CAs that it knows.
  const asked = ca === '' ? [] : ca
  return { cert: certificatePem, key: keyPem, ...(asked !== undefined && { ca: asked }), ...tlsVersions }
}
