import {
  DescribeKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  type KMSClientConfig,
  SignCommand
} from '@aws-sdk/client-kms'
import { httpsAgentOptions } from '../../../aws-client/https-agent.ts'
import { untilAborted } from '../../../sources/until-aborted.ts'
import type { KmsSigningAlgorithm } from './algorithm.ts'

interface KmsPublicKey {
  readonly spkiDer: Uint8Array | undefined
  readonly keySpec: string | undefined
  readonly keyUsage: string | undefined
}

/** The three calls to KMS that a signer needs. Each is one HTTP request, never repeated here. */
export interface KmsClient {
  getPublicKey(): Promise<KmsPublicKey>
  signDigest(algorithm: KmsSigningAlgorithm, digest: Uint8Array): Promise<Uint8Array | undefined>
  /** The state of the key, as KMS names it. */
  describeKeyState(): Promise<string | undefined>
  destroy(): void
}

export interface KmsClientSettings {
  readonly keyId: string
  readonly region: string
  /** Without it, the SDK's own chain: environment, shared config, the address of the region. */
  readonly endpoint?: string | undefined
  readonly maximumConnections: number
  /** From the call to the last octet of the reply, the search for credentials included. */
  readonly requestTimeoutMs: number
}

/** Credentials come by the SDK's own chain. A request that takes too long rejects with a `TimeoutError`. */
export function createKmsClient(settings: KmsClientSettings): KmsClient {
  const { keyId, requestTimeoutMs } = settings
  const client = new KMSClient(clientConfig(settings))

  const withinTime = <Reply>(send: (abortSignal: AbortSignal) => Promise<Reply>) =>
    untilAborted(send, AbortSignal.timeout(requestTimeoutMs))

  return {
    async getPublicKey() {
      const command = new GetPublicKeyCommand({ KeyId: keyId })
      const reply = await withinTime(abortSignal => client.send(command, { abortSignal }))
      return { spkiDer: reply.PublicKey, keySpec: reply.KeySpec, keyUsage: reply.KeyUsage }
    },
    async signDigest(algorithm, digest) {
      // A message sent as RAW is hashed by KMS: a digest sent so would be hashed twice.
      const command = new SignCommand({
        KeyId: keyId,
        Message: digest,
        MessageType: 'DIGEST',
        SigningAlgorithm: algorithm
      })
      const reply = await withinTime(abortSignal => client.send(command, { abortSignal }))
      return reply.SigningAlgorithm === algorithm ? reply.Signature : undefined
    },
    async describeKeyState() {
      const command = new DescribeKeyCommand({ KeyId: keyId })
      const reply = await withinTime(abortSignal => client.send(command, { abortSignal }))
      return reply.KeyMetadata?.KeyState
    },
    destroy: () => client.destroy()
  }
}

function clientConfig({ region, endpoint, maximumConnections }: KmsClientSettings): KMSClientConfig {
  const agent = { keepAlive: true, maxSockets: maximumConnections }
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    // The SDK repeats without telling lost replies from refusals; the signer repeats for itself.
    maxAttempts: 1,
    retryMode: 'standard',
    requestHandler: { httpAgent: agent, httpsAgent: { ...httpsAgentOptions(), ...agent } }
  }
}
