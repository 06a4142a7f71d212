import type { HandshakeFailure } from '../../http/connections/tls-server.ts'
import type { Clock } from '../../sources/clock.ts'
import type { ServiceLog } from '../core.ts'

const toldEachMinute = 10
const millisecondsPerMinute = 60_000

/** Tells of handshakes that failed, so many a minute: anybody who reaches the port can make them fail. */
export class HandshakeLog {
  readonly #log: Pick<ServiceLog, 'warn' | 'debug'>
  readonly #clock: Clock
  #minute = 0
  #told = 0
  #untold = 0

  constructor(log: Pick<ServiceLog, 'warn' | 'debug'>, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  tell(failure: HandshakeFailure): void {
    // Who looks only whether the port is open, as load balancers do.
    if (failure.code === 'ECONNRESET')
      return this.#log.debug({ ...failure }, 'a client left in the TLS handshake')
    const minute = Math.floor(this.#clock().getTime() / millisecondsPerMinute)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#told = 0
    }
    if (this.#told >= toldEachMinute) {
      this.#untold++
      return
    }
    this.#told++
    const untold = this.#untold === 0 ? {} : { untoldBefore: this.#untold }
    this.#untold = 0
    this.#log.warn({ ...failure, ...untold }, messageOf(failure))
  }
}

function messageOf({ code }: HandshakeFailure): string {
  return code === 'ERR_SSL_HTTP_REQUEST'
    ? 'a client spoke plain HTTP to the port of HTTPS: its URL is to begin with https://'
    : 'a TLS handshake failed'
}
