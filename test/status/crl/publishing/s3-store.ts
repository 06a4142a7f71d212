import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export const s3Credentials = { accessKeyId: 'AKIDSTORE', secretAccessKey: 'a-secret-of-the-store' }

export interface StoredObject {
  readonly content: Buffer
  readonly headers: Record<string, string>
}

/** What may be amiss with the store. */
type StoreFault = 'busy' | 'silent' | 'denied'

const hex = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const authorization =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/

/** Recomputes Signature Version 4 of what came over the wire, as AWS documents it for S3. @returns S3's name of what is wrong. */
function faultOfSignature(request: IncomingMessage, region: string): string | undefined {
  const [, key, date, scope, signed = '', signature = ''] =
    authorization.exec(request.headers.authorization ?? '') ?? []
  if (key === undefined || date === undefined) return 'AccessDenied'
  if (key !== s3Credentials.accessKeyId) return 'InvalidAccessKeyId'
  if (scope !== region) return 'AuthorizationHeaderMalformed'
  const names = signed.split(';')
  const isUnsigned = Object.keys(request.headers).some(
    name => (name.startsWith('x-amz-') || name === 'host') && !names.includes(name)
  )
  if (isUnsigned) return 'AccessDenied'
  const time = String(request.headers['x-amz-date'])
  const { pathname, search } = new URL(request.url!, 'http://store')
  const query = search
    .slice(1)
    .split('&')
    .filter(Boolean)
    .map(each => (each.includes('=') ? each : `${each}=`))
  const canonical = [
    request.method,
    pathname,
    query.sort().join('&'),
    ...names.map(name => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signed,
    String(request.headers['x-amz-content-sha256'])
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, `${date}/${region}/s3/aws4_request`, hex(canonical)].join('\n')
  const chain = [date, region, 's3', 'aws4_request']
  const signingKey = chain.reduce<Buffer | string>(hmac, `AWS4${s3Credentials.secretAccessKey}`)
  const expected = hmac(signingKey, toSign)
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? undefined : 'SignatureDoesNotMatch'
}

const statuses: Readonly<Record<string, number>> = {
  NoSuchBucket: 404,
  NoSuchKey: 404,
  SlowDown: 503,
  XAmzContentSHA256Mismatch: 400,
  MissingContentLength: 411,
  AuthorizationHeaderMalformed: 400
}

function refuse(request: IncomingMessage, response: ServerResponse, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message></Error>`
  response.writeHead(statuses[code] ?? 403, { 'content-type': 'application/xml' })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/**
 * A store that speaks as S3 does, by path, as much as putting and looking up of objects takes. It believes nothing: signature,
 * length and hash of each request are reckoned anew from what came over the wire.
 */
export async function startS3Store(bucket: string, region: string) {
  const objects = new Map<string, StoredObject>()
  const requests: string[] = []
  const state: { fault: StoreFault | undefined } = { fault: undefined }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests.push(`${request.method} ${request.url}`)
    const content = await buffer(request)
    if (state.fault === 'silent') return
    if (state.fault === 'busy') return refuse(request, response, 'SlowDown')
    const fault = state.fault === 'denied' ? 'AccessDenied' : faultOfSignature(request, region)
    if (fault !== undefined) return refuse(request, response, fault)
    const [, named, ...rest] = new URL(request.url!, 'http://store').pathname.split('/')
    if (named !== bucket) return refuse(request, response, 'NoSuchBucket')
    const key = decodeURIComponent(rest.join('/'))
    if (request.method === 'PUT') {
      if (request.headers['content-length'] === undefined)
        return refuse(request, response, 'MissingContentLength')
      if (hex(content) !== request.headers['x-amz-content-sha256'])
        return refuse(request, response, 'XAmzContentSHA256Mismatch')
      objects.set(key, { content, headers: request.headers as Record<string, string> })
      response.writeHead(200, { etag: `"${createHash('md5').update(content).digest('hex')}"` }).end()
      return
    }
    const object = objects.get(key)
    if (object === undefined) return refuse(request, response, 'NoSuchKey')
    const kept = Object.entries(object.headers).filter(
      ([name]) => name.startsWith('x-amz-meta-') || name === 'content-type'
    )
    response.writeHead(200, { ...Object.fromEntries(kept), 'content-length': object.content.length })
    response.end(request.method === 'HEAD' ? undefined : object.content)
  }

  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    state,
    close() {
      server.closeAllConnections()
      server.close()
    }
  }
}
