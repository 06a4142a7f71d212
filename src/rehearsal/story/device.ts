import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { assembleCertificationRequest, buildCertificationRequestInfo } from '../../pki/csr/writer.ts'
import type { Subject } from '../../pki/name/subject-field.ts'
import { encodePem } from '../../pki/pem/pem.ts'
import { StoryFailure } from './steps.ts'

export interface Device {
  readonly privateKey: KeyObject
  readonly csrPem: string
}

/** A device with a fresh P-256 key and the request for its certificate (PKCS#10, RFC 2986). */
export function makeDevice(subject: Subject): Device {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spkiDer = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  const infoDer = buildCertificationRequestInfo(subject, spkiDer)
  const csrDer = assembleCertificationRequest(
    infoDer,
    'ecdsa-with-SHA256',
    sign('sha256', infoDer, privateKey)
  )
  return { privateKey, csrPem: encodePem('CERTIFICATE REQUEST', csrDer) }
}

export interface Broker {
  readonly endpointAddress: string
  readonly port: number
  readonly serverCaPem: string
}

export interface Identity {
  readonly clientId: string
  readonly chainPem: string
  readonly privateKey: KeyObject
}

/** How long a device waits between attempts: AWS IoT wants less than one CONNECT a second for each client id. */
export const pauseBetweenConnectsMs = 1_100
const connectTimeoutMs = 8_000

/** One attempt to connect. Undefined: the connection was closed before it was accepted. */
export async function connectOnce(broker: Broker, identity: Identity): Promise<MqttClient | undefined> {
  const options: IClientOptions = {
    protocol: 'mqtts',
    // The stand-in is on this machine, and believes the name that the device asks for (SNI).
    host: '127.0.0.1',
    port: broker.port,
    servername: broker.endpointAddress,
    ca: broker.serverCaPem,
    cert: identity.chainPem,
    key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    clientId: identity.clientId,
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: connectTimeoutMs
  }
  const client = connect(options)
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve(client))
    client.once('close', () => resolve(undefined))
    client.once('error', error => {
      client.end(true)
      if (isServerUntrusted(error)) reject(new StoryFailure(`The server is not trusted: ${error.message}`))
      else resolve(undefined)
    })
  })
}

function isServerUntrusted(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : ''
  return /CERT|SELF_SIGNED|ALTNAME/.test(code)
}
