import { constants, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import {
  type AutoRegistration,
  createAutoRegistration,
  type PresentedCertificate
} from '../provisioning/auto-registration.ts'
import type { Registry } from '../registry/registry.ts'
import type { StandInSettings } from '../stand-in-settings.ts'
import { createTpsLimiter, type TpsLimits } from '../tps.ts'
import { createDeviceBroker, type DeviceBroker } from './devices/broker.ts'
import { Mqtt5Connection } from './mqtt5-connection.ts'
import { readProtocolLevel } from './protocol-level.ts'
import { createServerIdentity } from './server-certificate.ts'

export interface DeviceGatewayOptions {
  readonly registry: Registry
  readonly settings: StandInSettings
  readonly clock: () => number
  /** 0 takes a free one. The gateway listens on the loopback address alone. */
  readonly port: number
  /** What devices ask for in SNI, the endpoint first; the server certificate is for these. */
  readonly serverNames: readonly string[]
  readonly provisioningDelayMs: number
  /** Those of `RegisterThing` hold for just-in-time provisioning, apart from the calls of the API. */
  readonly tpsLimits: TpsLimits
}

export interface DeviceGateway {
  readonly port: number
  /** What a device must trust. */
  readonly rootPem: string
  /** Receives past all policies, as a rule of AWS IoT does. */
  subscribe: DeviceBroker['subscribe']
  /** Publishes past all policies. */
  publish: DeviceBroker['publish']
  /** Resolves when no device is being provisioned. */
  settled(): Promise<void>
  /**
   * Does with a certificate what its first connection would do, without a connection and without proof of its key.
   *
   * @param chainPem the certificate first, then what a device would send with it.
   */
  present(chainPem: string): void
  stop(): Promise<void>
}

/** How long a device may take for its CONNECT. */
const connectTimeoutMs = 30_000
/** How long a device that must go may take to close its side. */
const lingerMs = 1000
/** How often certificates that are not ACTIVE any more are looked for. AWS IoT takes minutes. */
const sweepIntervalMs = 2000

/**
 * The MQTT endpoint of devices: TLS 1.2 and 1.3 with client certificates, MQTT 3.1.1 and 5. Whoever completes the
 * handshake has the key of the certificate; everything else about it is decided afterwards, as in AWS IoT, so that a
 * device that is not let in sees its connection closed without a CONNACK.
 */
export async function createDeviceGateway(options: DeviceGatewayOptions): Promise<DeviceGateway> {
  const { registry, serverNames } = options
  const identity = await createServerIdentity([...new Set([...serverNames, 'localhost'])], options.clock())
  const broker = await createDeviceBroker(options)
  const limiter = createTpsLimiter(options.tpsLimits, options.clock)
  const registration = createAutoRegistration({
    ...options,
    assertWithinQuota: () => limiter.take(registry, 'RegisterThing'),
    publish: (topic, payload) => broker.publish(topic, JSON.stringify(payload))
  })
  const sockets = new Set<TLSSocket>()
  const server = createServer({
    key: identity.privateKeyPem,
    cert: identity.certificatePem,
    requestCert: true,
    // A device shows what the registry knows, not what a store of roots trusts.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ALPNCallback: ({ protocols }) => chooseProtocol(protocols),
    // A resumed session would come without the certificate.
    secureOptions: constants.SSL_OP_NO_TICKET
  })
  server.on('secureConnection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    receive(socket, { registration, broker, registry })
  })
  server.on('tlsClientError', error => logHandshake(registry, error.message))
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening').catch(async (error: unknown) => {
    await broker.stop()
    throw error
  })
  const sweep = setInterval(() => dropInactive(registry, broker), sweepIntervalMs)
  return {
    port: (server.address() as AddressInfo).port,
    rootPem: identity.rootPem,
    subscribe: broker.subscribe,
    publish: broker.publish,
    settled: registration.settled,
    present(chainPem) {
      const chain = chainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
      registration.admit(presentedOf(chain, serverNames[0]))
    },
    async stop() {
      clearInterval(sweep)
      registration.stop()
      const closed = once(server, 'close')
      server.close()
      await broker.stop()
      for (const socket of sockets) socket.destroy()
      await closed
    }
  }
}

/** What MQTT with a client certificate is asked for by (Developer Guide, "Device communication protocols"). */
const mqttProtocol = 'x-amzn-mqtt-ca'

/** For a device that names protocols at all. Undefined ends the handshake: HTTP and custom authorizers are not here. */
function chooseProtocol(protocols: readonly string[]): string | undefined {
  return protocols.find(protocol => protocol === mqttProtocol)
}

/** What a device meets when its handshake is complete. */
interface Reception {
  readonly registration: AutoRegistration
  readonly broker: DeviceBroker
  readonly registry: Registry
}

function receive(socket: TLSSocket, { registration, broker, registry }: Reception): void {
  // A device may go at any time; the broker and the timeout clean up.
  socket.on('error', () => undefined)
  const chain = presentedChain(socket)
  if (chain.length === 0) {
    logHandshake(registry, 'the device sent no certificate')
    return dismiss(socket)
  }
  const certificate = registration.admit(presentedOf(chain, socket.servername || undefined))
  if (certificate === undefined) return dismiss(socket)
  socket.setTimeout(connectTimeoutMs, () => socket.destroy())
  awaitConnect(socket, Buffer.alloc(0), level => {
    socket.setTimeout(0)
    const connection = level === 5 ? new Mqtt5Connection(socket) : socket
    broker.accept(connection, { certificate, clientId: '' })
  })
}

/** The certificate of the device first, then what it sent with it, as far as each is the issuer of the one before. */
function presentedChain(socket: TLSSocket): readonly string[] {
  const chain = new Set<string>()
  let certificate = socket.getPeerX509Certificate()
  // A root is its own issuer.
  while (certificate !== undefined && !chain.has(certificate.toString())) {
    chain.add(certificate.toString())
    certificate = certificate.issuerCertificate
  }
  return [...chain]
}

function presentedOf(
  [certificatePem = '', ...others]: readonly string[],
  serverName: string | undefined
): PresentedCertificate {
  const chainIds = new Set(
    others.map(pem => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase())
  )
  return { certificatePem, chainIds, serverName }
}

/** Closes the way AWS IoT does: no CONNACK, and what the device still sends goes nowhere. */
function dismiss(socket: TLSSocket): void {
  socket.resume()
  socket.end()
  setTimeout(() => socket.destroy(), lingerMs).unref()
}

/** Waits until the version of MQTT can be told, and puts back what was read for it. */
function awaitConnect(socket: TLSSocket, before: Buffer, proceed: (level: number) => void): void {
  socket.once('readable', () => {
    const octets = Buffer.concat([before, (socket.read() as Buffer | null) ?? Buffer.alloc(0)])
    const level = readProtocolLevel(octets)
    if (socket.readableEnded || level === undefined) return void socket.destroy()
    if (level === 'more') return awaitConnect(socket, octets, proceed)
    socket.unshift(octets)
    proceed(level)
  })
}

function dropInactive(registry: Registry, { sessions }: DeviceBroker): void {
  for (const [connection, { certificate, clientId }] of sessions) {
    const { certificateId } = certificate
    const status = registry.findCertificate(certificateId)?.status ?? 'deleted'
    if (status === 'ACTIVE') continue
    const reason = `The certificate became ${status} while the device was connected.`
    const errorCode = 'CertificateStateException'
    registry.log({ eventType: 'Connect', outcome: 'Failure', errorCode, reason, certificateId, clientId })
    if (connection instanceof Mqtt5Connection) connection.sayDisconnect(0x98)
    connection.destroy()
  }
}

function logHandshake(registry: Registry, reason: string): void {
  const errorCode = 'UnauthorizedException'
  registry.log({ eventType: 'Connect', outcome: 'Failure', errorCode, reason: `TLS handshake: ${reason}` })
}
