import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { readBody } from '../../request-body.ts'
import { createFaultInjector, type FaultInjector, type FaultMode, type IotFaults } from '../faults.ts'
import { createIamService } from '../iam/iam.ts'
import type { IamOperationName } from '../iam/operations.ts'
import { IotRefusal } from '../iot-refusal.ts'
import type { Surroundings } from '../operations/operation.ts'
import type { OperationName } from '../operations/operations.ts'
import type { Registry } from '../registry/registry.ts'
import { createTpsLimiter, type TpsLimits } from '../tps.ts'
import { createIotService } from './iot-service.ts'
import { answerRehearsal } from './rehearsal.ts'
import type { Reply, Service, WireRequest } from './service.ts'
import { type CredentialScope, parseCredentialScope } from './signature.ts'

export interface ControlPlaneOptions extends Surroundings {
  /** 0, the default, takes a free one. The control plane listens on the loopback address alone. */
  readonly port?: number | undefined
  /** Account ids by access key id. Any other access key belongs to the account of the registry. */
  readonly accounts?: ReadonlyMap<string, string> | undefined
  readonly faults?: Partial<IotFaults> | undefined
  /** None unless given. */
  readonly tpsLimits?: TpsLimits | undefined
  /** What devices must trust, PEM. None unless given. */
  readonly rootPem?: string | undefined
  /** Milliseconds since 1970. */
  readonly clock?: (() => number) | undefined
  /** Decides which requests a fault meets: from 0 up to 1. */
  readonly random?: (() => number) | undefined
}

type ControlOperationName = OperationName | IamOperationName

export interface ControlPlane {
  readonly url: string
  /** Requests since the start by operation, whatever the answer. */
  readonly requestCounts: ReadonlyMap<ControlOperationName, number>
  /** Changes the given faults and keeps the others. */
  setFaults(changes: Partial<IotFaults>): void
  /** Makes the next calls of one operation fail, one unless told otherwise. */
  failNext(operation: ControlOperationName, mode: FaultMode, times?: number): void
  stop(): Promise<void>
}

/**
 * The HTTP side of the stand-in: AWS IoT in REST-JSON, IAM and STS in the Query protocol, all on one port. The
 * credential scope of a request chooses the service, the account (by access key) and the region. A SigV4
 * `Authorization` header must be there and in form; it is not verified.
 *
 * Outside the protocols it answers `GET` and `PUT /rehearsal/faults` (members of IotFaults as JSON; a PUT changes those
 * given), `GET /rehearsal/log` (the provisioning log), `GET /rehearsal/requests` (operation → requests) and
 * `GET /rehearsal/root.pem`.
 */
export async function createControlPlane(
  registry: Registry,
  options: ControlPlaneOptions
): Promise<ControlPlane> {
  const { clock = Date.now, random = Math.random, accounts = new Map<string, string>() } = options
  const iot = createIotService(options)
  const iam = createIamService(clock)
  const injector = createFaultInjector(
    [...iot.operationNames, ...iam.operationNames],
    options.faults ?? {},
    random
  )
  const requestCounts = new Map<ControlOperationName, number>()
  const tpsLimiter = createTpsLimiter(options.tpsLimits ?? {}, clock)
  const desk: Desk = {
    registry,
    accounts,
    iot: { service: iot, assertWithinQuota: (caller, name) => tpsLimiter.take(caller, name) },
    // Limits are given for AWS IoT alone.
    iam: { service: iam, assertWithinQuota: () => undefined },
    injector,
    requestCounts,
    rootPem: options.rootPem
  }
  const server = createServer((request, response) => {
    const answered = readRequest(request).then(async wireRequest => {
      const reply = wireRequest.url.startsWith('/rehearsal/')
        ? answerRehearsal(desk, wireRequest)
        : await answerService(desk, wireRequest)
      if (reply === undefined) response.destroy()
      else response.writeHead(reply.status, reply.headers).end(reply.body)
    })
    // A client that hangs up in the middle of its request is owed no answer.
    answered.catch(() => response.destroy())
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requestCounts,
    setFaults: changes => injector.change(changes),
    failNext(operation, mode, times = 1) {
      injector.change({ failNext: [...injector.faults.failNext, { operation, mode, times }] })
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

interface LimitedService<Name extends ControlOperationName> {
  readonly service: Service<Name>
  /** Throws what the service's `refuse` makes a reply of. */
  readonly assertWithinQuota: (caller: Registry, name: Name) => void
}

interface Desk {
  readonly registry: Registry
  readonly accounts: ReadonlyMap<string, string>
  readonly iot: LimitedService<OperationName>
  readonly iam: LimitedService<IamOperationName>
  readonly injector: FaultInjector
  readonly requestCounts: Map<ControlOperationName, number>
  readonly rootPem: string | undefined
}

async function readRequest(request: IncomingMessage): Promise<WireRequest> {
  const { method = '', url = '', headers } = request
  return { method, url, headers, body: await readBody(request) }
}

/** @returns undefined when the reply is to be lost. */
async function answerService(desk: Desk, request: WireRequest): Promise<Reply | undefined> {
  const outcome = await chooseService(desk, request)
  await wait(desk.injector.faults.latencyMs)
  return outcome.isLost ? undefined : outcome.reply
}

async function chooseService(desk: Desk, request: WireRequest): Promise<Outcome> {
  try {
    const scope = parseCredentialScope(request.headers)
    switch (scope.service) {
      case 'iot':
      case 'execute-api': // what AWS CLIs of some years sign for in its place, Debian's 2.9 among them
      case 'iotdata':
        return await carryOut(desk, desk.iot, { ...request, scope })
      case 'iam':
      case 'sts':
        return await carryOut(desk, desk.iam, { ...request, scope })
      default:
        throw new IotRefusal('UnknownOperationException', `The stand-in has no service ${scope.service}.`)
    }
  } catch (error) {
    return { reply: desk.iot.service.refuse(error), isLost: false }
  }
}

interface SignedRequest extends WireRequest {
  readonly scope: CredentialScope
}

interface Outcome {
  readonly reply: Reply
  readonly isLost: boolean
}

async function carryOut<Name extends ControlOperationName>(
  { registry: home, accounts, requestCounts, injector }: Desk,
  { service, assertWithinQuota }: LimitedService<Name>,
  request: SignedRequest
): Promise<Outcome> {
  const { scope } = request
  const accountId = accounts.get(scope.accessKeyId) ?? home.accountId
  const registry = home.neighbour(accountId, scope.region)
  try {
    const call = service.parse(request)
    requestCounts.set(call.name, (requestCounts.get(call.name) ?? 0) + 1)
    const { dropsReply } = injector.meet(call.name)
    assertWithinQuota(registry, call.name)
    const reply = await runAndSave(registry, service, () => call.run(registry, scope))
    return { reply, isLost: dropsReply }
  } catch (error) {
    return { reply: service.refuse(error), isLost: false }
  }
}

/** Answers when what was done would outlive the process, even if the operation was refused half-way. */
async function runAndSave(registry: Registry, service: Service, run: () => Reply): Promise<Reply> {
  let reply: Reply
  try {
    reply = run()
  } catch (error) {
    reply = service.refuse(error)
  }
  await registry.saved()
  return reply
}
