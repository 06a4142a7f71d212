import type { ServiceProcess } from '../../support/service-process.ts'

/** One request, and what it cost the thread that serves all of them. */
export interface Cost {
  readonly status: number
  readonly code: string | undefined
  readonly milliseconds: number
}

export interface Asked {
  readonly path: string
  readonly role?: 'station' | 'auditor' | 'admin'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

const mostTimes = 9

/**
 * Measures by the CPU time of the service's event loop, as `/metrics` tells it: what else the machine does is not
 * counted. No request can hold the event loop for longer than it takes in all.
 */
export async function createEventLoopMeter(service: Pick<ServiceProcess, 'url' | 'token'>) {
  const tokens = {
    station: await service.token('station'),
    auditor: await service.token('auditor'),
    admin: await service.token('admin')
  }
  const bearer = (role: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[role]}` })

  async function readMilliseconds(): Promise<number> {
    const answer = await fetch(`${service.url}/metrics`, { headers: bearer('auditor') })
    const text = await answer.text()
    return Number(/^mintline_event_loop_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) * 1000
  }

  /** What reading the metric itself costs. */
  async function readBaseline(): Promise<number> {
    const times: number[] = []
    for (let round = 0; round < 9; round++) {
      const before = await readMilliseconds()
      times.push((await readMilliseconds()) - before)
    }
    return Math.min(...times)
  }
  const baseline = await readBaseline()

  async function ask({ path, role = 'admin', headers, body }: Asked): Promise<Cost> {
    const before = await readMilliseconds()
    const answer = await fetch(service.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...bearer(role), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : Buffer.from(body) }),
      signal: AbortSignal.timeout(60_000)
    })
    const text = await answer.text()
    const milliseconds = (await readMilliseconds()) - before - baseline
    const code = /"code":"(\w+)"/.exec(answer.ok ? '' : text)?.[1]
    return { status: answer.status, code, milliseconds }
  }

  return {
    /**
     * The first that is below the limit, or else the least of nine: what comes in between, such as a collection of garbage
     * or a neighbour on the same core, is not this request's.
     */
    async measure(asked: Asked, limit: number): Promise<Cost> {
      let least = await ask(asked)
      for (let time = 1; time < mostTimes && least.milliseconds >= limit; time++) {
        const next = await ask(asked)
        if (next.milliseconds < least.milliseconds) least = next
      }
      return least
    },
    bearer
  }
}
