import { MintlineError } from '../errors/mintline-error.ts'
import { signMessage } from '../events/receiver/signature.ts'
import { type Clock, type Stopwatch, systemStopwatch } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import { type MesAnswer, readAnswer } from './answer.ts'
import { type Circuit, createCircuit } from './circuit.ts'
import { describeFailure } from './failure.ts'
import type { MesSystem } from './mes-file.ts'
import { createPosting, longestAnswerBytes, type Posted, type Posting } from './posting.ts'
import { createSeats, type Seats } from './seats.ts'

/** What of the manufacturing execution systems, by name, is asked. */
export interface Mes {
  /**
   * Asks a system about a device, and gives up at its deadline.
   *
   * @throws MintlineError `mes_unavailable` for whatever is not an answer; `overloaded` where too many ask already.
   */
  ask(name: string, question: object): Promise<MesAnswer>
  /** Those that do not answer, in words. */
  examine(): { readonly ok: boolean; readonly detail: string }
}

/** What became of a question, for metrics. `early`: it was not sent, since the system does not answer. */
export type AskOutcome = 'allow' | 'deny' | 'unavailable' | 'early'

export interface MesDependencies {
  readonly systems: ReadonlyMap<string, MesSystem>
  /** Mintline's, for the User-Agent. */
  readonly version: string
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly observe?: (name: string, outcome: AskOutcome, seconds: number) => void
  readonly stopwatch?: Stopwatch
}

/** Of each system, at once. */
const maximumUnderWay = 32
/** Of all systems, with those that wait. A request that waits has a turn; a quarter of those is left to who waits for none. */
const maximumAsking = 96
const usualRetrySeconds = 5

interface Line {
  readonly system: MesSystem
  readonly posting: Posting
  readonly circuit: Circuit
  readonly seats: Seats
  /** Why it was not answered last. */
  lastFault: string
}

export function createMes(dependencies: MesDependencies, stops: AsyncDisposableStack): Mes {
  const { systems, observe = () => undefined, stopwatch = systemStopwatch } = dependencies
  const lines = new Map([...systems].map(([name, system]) => [name, openLine(system, stopwatch)]))
  stops.defer(() => lines.forEach(({ posting }) => posting.close()))
  let asking = 0

  async function askLine(name: string, question: object): Promise<MesAnswer> {
    const line = lines.get(name)
    if (line === undefined) throw unknownSystem(name)
    refuseWhilePaused(name, line, line.circuit.waitMs())
    if (asking >= maximumAsking) throw tooMany(name)
    asking += 1
    try {
      return await askInTurn(name, line, messageOf(dependencies, line.system, question))
    } finally {
      asking -= 1
    }
  }

  return {
    async ask(name, question) {
      const start = stopwatch()
      const tell = (outcome: AskOutcome) => observe(name, outcome, (stopwatch() - start) / 1_000)
      try {
        const answer = await askLine(name, question)
        tell(answer.verdict)
        return answer
      } catch (error) {
        if (lines.has(name)) tell(error instanceof Paused ? 'early' : 'unavailable')
        throw error
      }
    },
    examine() {
      const silent = [...lines].filter(([, { circuit }]) => circuit.isOpen)
      const detail = silent.map(([name, { lastFault }]) => `${name} ${lastFault}`).join('; ')
      return silent.length === 0 ? { ok: true, detail: 'no fault known' } : { ok: false, detail }
    }
  }
}

function openLine(system: MesSystem, stopwatch: Stopwatch): Line {
  const posting = createPosting(system.url, system.caPem)
  return {
    system,
    posting,
    circuit: createCircuit(stopwatch),
    seats: createSeats(maximumUnderWay),
    lastFault: ''
  }
}

function messageOf({ clock, randomBytes, version }: MesDependencies, { key }: MesSystem, question: object) {
  const time = clock()
  const id = newId(time, randomBytes)
  const body = JSON.stringify({ type: 'mintline.mes.ask', timestamp: time.toISOString(), data: question })
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    accept: 'application/json',
    'user-agent': `mintline/${version}`,
    ...signMessage(key, { id, time, body })
  }
  return { headers, body }
}

async function askInTurn(
  name: string,
  line: Line,
  message: ReturnType<typeof messageOf>
): Promise<MesAnswer> {
  const { seats, circuit, posting, system } = line
  const signal = AbortSignal.timeout(system.timeoutMs)
  const leave = await seats.take(signal).catch((cause: unknown) => {
    throw unavailable(name, `did not get round to it within ${system.timeoutMs / 1_000} seconds`, { cause })
  })
  try {
    // It may have fallen silent while this one waited.
    refuseWhilePaused(name, line, circuit.begin())
    return take(name, line, await posting.post(message, signal))
  } finally {
    leave()
  }
}

/** @throws MintlineError `mes_unavailable`. */
function take(name: string, line: Line, posted: Posted): MesAnswer {
  const { circuit, system } = line
  const answer = judge(posted, system)
  if (typeof answer !== 'string') {
    circuit.close()
    return answer
  }
  line.lastFault = answer
  // Whatever comes at once keeps no station waiting; what comes late, or broken, does.
  if (typeof posted === 'object' && 'status' in posted && posted.status < 500) circuit.close()
  else circuit.fail()
  throw unavailable(name, answer)
}

/** The answer, or why there is none, in words that go on with its name. */
function judge(posted: Posted, { timeoutMs }: MesSystem): MesAnswer | string {
  if (posted === 'too-long') return `answered more than ${longestAnswerBytes} octets`
  if ('error' in posted) return describeFailure(posted.error, timeoutMs)
  const { status, body } = posted
  if (status < 200 || status >= 300) return `answered ${status}`
  const answer = readAnswer(body)
  return typeof answer === 'string' ? `answered ${answer}` : answer
}

/** Of a system that is not asked, since it did not answer. */
class Paused extends MintlineError {}

function refuseWhilePaused(name: string, { lastFault }: Line, waitMs: number): void {
  if (waitMs === 0) return
  const detail = `The MES ${name} is not asked at the moment, since it ${lastFault}. ${advice}`
  throw new Paused('mes_unavailable', detail, { retryAfterSeconds: Math.ceil(waitMs / 1_000) })
}

const advice =
  'Nothing was issued. Tell whoever looks after the MES; the same CSR is certified once it answers again.'

function unavailable(name: string, fault: string, { cause }: { cause?: unknown } = {}): MintlineError {
  return new MintlineError('mes_unavailable', `The MES ${name} ${fault}. ${advice}`, {
    retryAfterSeconds: usualRetrySeconds,
    cause
  })
}

function unknownSystem(name: string): MintlineError {
  const detail = `The profile has the MES ${name} asked, which this service does not know. Nothing was issued. Tell the administrator: MINTLINE_MES_FILE is to name it.`
  return new MintlineError('mes_unavailable', detail)
}

function tooMany(name: string): MintlineError {
  return new MintlineError(
    'overloaded',
    `Too many requests wait for the MES ${name}; try again in a moment.`,
    {
      retryAfterSeconds: 1
    }
  )
}
