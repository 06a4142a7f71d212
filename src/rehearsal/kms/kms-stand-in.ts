import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { readBody } from '../request-body.ts'
import { faultMistakes, type KmsFaults, noFaults } from './faults.ts'
import { createKeyRing } from './key-ring.ts'
import type { KeySpec } from './key-spec.ts'
import { parseKmsInput } from './kms-input.ts'
import { KmsRefusal } from './kms-refusal.ts'
import {
  createOperations,
  type KeyUse,
  type Operation,
  type OperationName,
  operationNames
} from './operations.ts'

export interface KmsStandInOptions {
  /** 0, the default, takes a free one. The stand-in listens on the loopback address alone. */
  readonly port?: number | undefined
  readonly region?: string | undefined
  readonly accountId?: string | undefined
  /** Where the keys outlive the process, in the clear. */
  readonly stateFile?: string | undefined
  readonly faults?: Partial<KmsFaults> | undefined
  /** Of what it records of uses of its keys. */
  readonly clock?: (() => Date) | undefined
  /** Decides which requests a fault meets: from 0 up to 1. */
  readonly random?: (() => number) | undefined
}

export interface KmsStandIn {
  readonly url: string
  readonly region: string
  /** Signatures made since the start by digest in hex, replies that never arrived included. */
  readonly signatureCounts: ReadonlyMap<string, number>
  /** Requests since the start by operation, whatever the answer. */
  readonly requestCounts: ReadonlyMap<OperationName, number>
  /** Connections taken since the start. */
  readonly connectionCount: number
  /** Changes the given faults and keeps the others. */
  setFaults(changes: Partial<KmsFaults>): void
  /** Makes a signing key past the protocol and its faults, and answers with its ARN. */
  createKey(spec: KeySpec): Promise<string>
  keyArns(): readonly string[]
  stop(): Promise<void>
}

/**
 * A stand-in of AWS KMS for rehearsals: the wire protocol (AWS JSON 1.1 over HTTP) with real keys and signatures, the
 * key states and the error names of KMS. A SigV4 `Authorization` header must be there and in form; it is not verified.
 *
 * Outside the protocol it answers `GET` and `PUT /rehearsal/faults` (members of KmsFaults as JSON; a PUT changes those
 * given) and `GET /rehearsal/signatures` (digest in hex → signatures made).
 */
export async function createKmsStandIn(options: KmsStandInOptions = {}): Promise<KmsStandIn> {
  const { region = 'us-east-1', accountId = '111122223333', stateFile, random = Math.random } = options
  const { clock = () => new Date() } = options
  const signatureCounts = new Map<string, number>()
  const lastUses = new Map<string, KeyUse>()
  const keyRing = await createKeyRing({ accountId, region, stateFile })
  const operations = createOperations({
    keyRing,
    accountId,
    onSignature(digestHex, keyId) {
      countUp(signatureCounts, digestHex)
      lastUses.set(keyId, { at: clock(), eventId: randomUUID() })
    },
    lastUses,
    startedAt: clock()
  })
  const course: Course = {
    operations,
    faults: { ...noFaults, ...options.faults },
    signatureCounts,
    requestCounts: new Map(),
    random
  }
  let connectionCount = 0
  const server = createServer((request, response) => {
    const isOutside = request.url?.startsWith('/rehearsal/') === true
    const answer = isOutside
      ? answerRehearsal(course, request, response)
      : answerKms(course, request, response)
    // A client that hangs up in the middle of its request is owed no answer.
    answer.catch(() => response.destroy())
  })
  server.on('connection', () => connectionCount++)
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region,
    signatureCounts,
    requestCounts: course.requestCounts,
    get connectionCount() {
      return connectionCount
    },
    setFaults(changes) {
      course.faults = { ...course.faults, ...changes }
    },
    async createKey(spec) {
      return (await keyRing.create({ spec, usage: 'SIGN_VERIFY', description: '' })).arn
    },
    keyArns: () => keyRing.list().map(({ arn }) => arn),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

/** What the stand-in does, and what happens while it runs. */
interface Course {
  readonly operations: Readonly<Record<OperationName, Operation>>
  faults: KmsFaults
  readonly signatureCounts: Map<string, number>
  readonly requestCounts: Map<OperationName, number>
  readonly random: () => number
}

async function answerKms(course: Course, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request)
  const reply = await replyTo(course, request, body).catch(refusalReply)
  await wait(course.faults.latencyMs)
  if (course.random() < course.faults.droppedReplyRate) response.destroy()
  else sendJson(response, reply, 'application/x-amz-json-1.1')
}

async function replyTo(course: Course, request: IncomingMessage, body: string): Promise<Reply> {
  const operationName = parseTarget(request)
  countUp(course.requestCounts, operationName)
  assertSignedForm(request)
  injectRefusal(course, operationName)
  return { status: 200, body: await course.operations[operationName](parseKmsInput(body)) }
}

async function answerRehearsal(
  course: Course,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const route = `${request.method} ${request.url}`
  if (route === 'PUT /rehearsal/faults') {
    const changes = parseFaults(await readBody(request))
    if ('mistakes' in changes) return sendJson(response, { status: 400, body: changes })
    course.faults = { ...course.faults, ...changes }
  }
  if (route === 'PUT /rehearsal/faults' || route === 'GET /rehearsal/faults')
    return sendJson(response, { status: 200, body: course.faults })
  if (route === 'GET /rehearsal/signatures')
    return sendJson(response, { status: 200, body: Object.fromEntries(course.signatureCounts) })
  sendJson(response, { status: 404, body: { mistakes: ['there is no such address'] } })
}

interface Reply {
  readonly status: number
  readonly body: object
}

function refusalReply(error: unknown): Reply {
  if (!(error instanceof KmsRefusal))
    return refusalReply(new KmsRefusal('KMSInternalException', String(error)))
  return { status: error.status, body: { __type: error.type, message: error.message } }
}

function sendJson(response: ServerResponse, { status, body }: Reply, contentType = 'application/json'): void {
  response.writeHead(status, { 'content-type': contentType }).end(JSON.stringify(body))
}

function parseTarget(request: IncomingMessage): OperationName {
  const name = /^TrentService\.(\w+)$/.exec(String(request.headers['x-amz-target']))?.[1]
  const operationName = operationNames.find(known => known === name)
  const isJson = request.headers['content-type']?.startsWith('application/x-amz-json-1.1') === true
  if (operationName === undefined || !isJson || request.method !== 'POST' || request.url !== '/')
    throw new KmsRefusal('UnknownOperationException', 'This is no operation of the stand-in.')
  return operationName
}

const authorizationForm =
  /^AWS4-HMAC-SHA256 Credential=[^/, ]+\/\d{8}\/[a-z0-9-]+\/kms\/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$/

function assertSignedForm(request: IncomingMessage): void {
  const { authorization } = request.headers
  if (authorization === undefined)
    throw new KmsRefusal('MissingAuthenticationTokenException', 'Request is missing Authentication Token')
  if (!authorizationForm.test(authorization) || request.headers['x-amz-date'] === undefined)
    throw new KmsRefusal('IncompleteSignatureException', 'The Authorization header is not in SigV4 form.')
}

function injectRefusal({ faults, random }: Course, operationName: OperationName): void {
  if (faults.deniedOperations.includes(operationName))
    throw new KmsRefusal('AccessDeniedException', `not authorized to perform: kms:${operationName}`)
  if (random() < faults.throttleRate)
    throw new KmsRefusal(
      'ThrottlingException',
      'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.'
    )
  if (random() < faults.failureRate) throw new KmsRefusal(faults.failureName, 'An injected failure.')
}

function parseFaults(body: string): Partial<KmsFaults> | { readonly mistakes: readonly string[] } {
  try {
    const changes: unknown = JSON.parse(body)
    if (typeof changes !== 'object' || changes === null) return { mistakes: ['not a JSON object'] }
    const mistakes = faultMistakes(changes as Readonly<Record<string, unknown>>)
    return mistakes.length === 0 ? changes : { mistakes }
  } catch {
    return { mistakes: ['not JSON'] }
  }
}

function countUp<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
