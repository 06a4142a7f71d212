import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig
} from '@aws-sdk/client-s3'
import { withinTime } from '../../../../aws-client/client-settings.ts'
import { awsFailure } from '../../../../aws-client/failure.ts'
import { httpsAgentOptions } from '../../../../aws-client/https-agent.ts'
import { isMintlineError, MintlineError } from '../../../../errors/mintline-error.ts'
import { toHex } from '../../../../pki/der/octet-text.ts'
import { type CrlFile, type CrlTarget, mostFileOctets } from '../crl-target.ts'
import { s3TargetName } from '../paths.ts'

export interface S3Place {
  readonly bucket: string
  /** Before each path; without a slash at the end. */
  readonly prefix: string
  readonly region: string
  /** Of a store that is not AWS. Its buckets are named by path. */
  readonly endpoint?: string | undefined
}

/** In milliseconds. A CRL may have 50 MB. */
const timeLimits = { connection: 5_000, request: 240_000, call: 300_000 }
/** As of the route that hands them out. */
const cacheControl = 'public, max-age=5'

/** A bucket of S3, or of a store that speaks as it does. Credentials come by the SDK's own chain. */
export function createS3Target(place: S3Place): CrlTarget {
  const { bucket: Bucket, prefix } = place
  const client = new S3Client(clientConfig(place))
  const name = s3TargetName(place)
  const keyOf = (path: string) => (prefix === '' ? path : `${prefix}/${path}`)

  /** Of what somebody else put there, who tells no hash. */
  async function hashOf(path: string, signal: AbortSignal): Promise<string> {
    const octets = await target.read(path, signal)
    return octets === undefined ? unknownHash : hash('sha256', octets)
  }

  const target: CrlTarget = {
    name,
    async find(path, signal) {
      const command = new HeadObjectCommand({ Bucket, Key: keyOf(path) })
      try {
        const { Metadata } = await withinTime(
          abortSignal => client.send(command, { abortSignal }),
          signal,
          timeLimits
        )
        return Metadata?.['sha256'] ?? (await hashOf(path, signal))
      } catch (error) {
        signal.throwIfAborted()
        // To who may not list the bucket, S3 says of what is not there that it is forbidden: putting it shows which.
        if ([403, 404].includes(statusOf(error))) return undefined
        throw failure(name, error, 's3:GetObject')
      }
    },
    async read(path, signal) {
      const command = new GetObjectCommand({ Bucket, Key: keyOf(path) })
      const get = async (abortSignal: AbortSignal) => {
        const { Body } = await client.send(command, { abortSignal })
        return Body instanceof Readable ? readUpToMost(Body) : undefined
      }
      try {
        return await withinTime(get, signal, timeLimits)
      } catch (error) {
        signal.throwIfAborted()
        if (statusOf(error) === 404) return undefined
        throw failure(name, error, 's3:GetObject')
      }
    },
    async put(file, signal) {
      const command = putCommand(Bucket, keyOf(file.path), file)
      try {
        await withinTime(abortSignal => client.send(command, { abortSignal }), signal, timeLimits)
      } catch (error) {
        signal.throwIfAborted()
        throw failure(name, error, 's3:PutObject')
      }
    },
    close: () => client.destroy()
  }
  return target
}

/** Of what is too large to be a CRL: no hash is so. */
const unknownHash = ''

/** Undefined where it is more, which is not read to its end. */
async function readUpToMost(body: Readable): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let octets = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    octets += part.length
    if (octets > mostFileOctets) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function putCommand(Bucket: string, Key: string, file: CrlFile): PutObjectCommand {
  const sha256 = toHex(file.sha256)
  const command = new PutObjectCommand({
    Bucket,
    Key,
    Body: Readable.from(file.read(), { objectMode: false }),
    ContentLength: file.octets,
    ContentType: 'application/pkix-crl',
    CacheControl: cacheControl,
    Metadata: { sha256 }
  })
  // It is known: the SDK would have to hold all of it to sign its hash. S3 refuses what does not have it.
  command.middlewareStack.add(
    next => args => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = sha256
      return next(args)
    },
    { step: 'build', name: 'knownPayloadHash' }
  )
  return command
}

const silent = () => undefined

function clientConfig({ region, endpoint }: S3Place): S3ClientConfig {
  const { connection: connectionTimeout, request: requestTimeout } = timeLimits
  return {
    region,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    // What is read as it is sent cannot be sent again by the SDK; the publisher tries again.
    maxAttempts: 1,
    // It writes to the console what is told by the error.
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    // Other checksums than that of the signature are not known to every store.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout,
      requestTimeout,
      throwOnRequestTimeout: true,
      httpsAgent: httpsAgentOptions()
    }
  }
}

function failure(name: string, error: unknown, operation: string): unknown {
  if (isMintlineError(error)) return error
  const { detail } = awsFailure(error, operation)
  return new MintlineError('crl_target_failed', `${name} cannot be used: ${detail}`, { cause: error })
}

function statusOf(error: unknown): number {
  const { $metadata: { httpStatusCode = 0 } = {} } = (error ?? {}) as {
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  return httpStatusCode
}
