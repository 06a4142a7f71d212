import type { FaultInjector, IotFaults } from '../faults.ts'
import type { Registry } from '../registry/registry.ts'
import type { Reply, WireRequest } from './service.ts'

/** What the person who rehearses may look at and change, outside the protocols of AWS. */
export interface RehearsalDesk {
  readonly registry: Registry
  readonly injector: FaultInjector
  readonly requestCounts: ReadonlyMap<string, number>
  readonly rootPem: string | undefined
}

export function answerRehearsal(desk: RehearsalDesk, { method, url, body }: WireRequest): Reply {
  switch (`${method} ${url}`) {
    case 'GET /rehearsal/log':
      return formatJson(200, logOf(desk.registry))
    case 'GET /rehearsal/requests':
      return formatJson(200, Object.fromEntries(desk.requestCounts))
    case 'GET /rehearsal/root.pem':
      if (desk.rootPem === undefined) return formatJson(404, { mistakes: ['there are no devices here'] })
      return { status: 200, headers: { 'content-type': 'application/x-pem-file' }, body: desk.rootPem }
    case 'GET /rehearsal/faults':
      return formatJson(200, desk.injector.faults)
    case 'PUT /rehearsal/faults': {
      const changes = parseFaults(desk.injector, body)
      if ('mistakes' in changes) return formatJson(400, changes)
      desk.injector.change(changes)
      return formatJson(200, desk.injector.faults)
    }
    default:
      return formatJson(404, { mistakes: ['there is no such address'] })
  }
}

/** Of every account and region, the oldest first. */
function logOf(registry: Registry): object {
  const entries = registry
    .registries()
    .flatMap(({ accountId, region, entries }) => entries.map(entry => ({ accountId, region, ...entry })))
  return { entries: entries.toSorted((a, b) => a.at - b.at) }
}

function parseFaults(
  injector: FaultInjector,
  body: string
): Partial<IotFaults> | { readonly mistakes: readonly string[] } {
  try {
    const changes: unknown = JSON.parse(body)
    if (typeof changes !== 'object' || changes === null) return { mistakes: ['not a JSON object'] }
    const mistakes = injector.mistakesIn(changes as Readonly<Record<string, unknown>>)
    return mistakes.length === 0 ? changes : { mistakes }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { mistakes: ['not JSON'] }
  }
}

function formatJson(status: number, body: object): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
