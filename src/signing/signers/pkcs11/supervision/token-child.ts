import { type ChildProcess, spawn } from 'node:child_process'
import { extname } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import {
  createLineReader,
  formatLine,
  parseTokenAnswer,
  type TokenAnswer,
  type TokenRequest,
  type TokenSettings
} from '../protocol.ts'

type KeyRequest = Extract<TokenRequest, { readonly id: number }>
type Outcome = Exclude<TokenAnswer, { readonly kind: 'ready' }>

/** `Omit` for each member of a union. */
type WithoutId<Request> = Request extends unknown ? Omit<Request, 'id'> : never
export type KeyQuestion = WithoutId<KeyRequest>

/** One process with the module in it, from its start to its end. */
export interface TokenChild {
  /** Rejects when the process ends first, or is ended since the answer did not come in time. */
  ask(question: KeyQuestion): Promise<Outcome>
  /** Sessions of the key are closed; nobody waits for it. */
  closeKey(key: number): void
  /** Lets the module finish, but not for long. */
  end(): Promise<void>
  /** True until the operating system has taken it away: one that hangs in a driver may outlive its SIGKILL. */
  isThere(): boolean
}

export interface TokenChildOptions {
  readonly settings: TokenSettings
  /** From when the module is asked until its process is ended. */
  readonly callTimeoutMs: number
  /** Told once, before those that wait for an answer, unless it was asked to end. */
  readonly onFailure: (failure: ChildFailure) => void
}

export interface ChildFailure {
  /** Completes `The PKCS#11 module …`. */
  readonly what: string
  /** True if a signature was under way. */
  readonly whileSigning: boolean
}

/** Node starts in a tenth of a second, on a machine that does much else in seconds. */
const startTimeoutMs = 30_000
const endTimeoutMs = 1_000
/** More than any key has sessions. */
const maximumPending = 1_000

interface Pending {
  readonly call: KeyRequest['call']
  readonly outcome: PromiseWithResolvers<Outcome>
  readonly timer: NodeJS.Timeout
}

export function startTokenChild(options: TokenChildOptions): TokenChild {
  return new SpawnedChild(options)
}

class SpawnedChild implements TokenChild {
  readonly #options: TokenChildOptions
  readonly #child: ChildProcess
  readonly #socket: Duplex
  readonly #ready = Promise.withResolvers<void>()
  readonly #exited = Promise.withResolvers<void>()
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #isOver = false
  #isEnding = false

  constructor(options: TokenChildOptions) {
    this.#options = options
    const { child, socket } = spawnChild()
    this.#child = child
    this.#socket = socket
    const late = setTimeout(() => this.#finish('could not be started in time'), startTimeoutMs)
    void this.#ready.promise.catch(() => undefined).finally(() => clearTimeout(late))
    child.once('error', () => this.#finish('could not be started'))
    child.once('exit', (code, signal) => {
      this.#exited.resolve()
      this.#finish(signal === null ? `ended by itself, with code ${code}` : `crashed with ${signal}`)
    })
    socket.on('error', () => this.#finish('closed its end'))
    const overlong = () => this.#finish('gave an answer without an end')
    socket.on(
      'data',
      createLineReader(line => this.#receive(line), overlong)
    )
    socket.write(formatLine(options.settings))
  }

  async ask(question: KeyQuestion): Promise<Outcome> {
    await this.#ready.promise
    if (this.#isOver || this.#pending.size >= maximumPending) throw new Error('Nobody is there to ask.')
    const id = ++this.#lastId
    const { call } = question
    const outcome = Promise.withResolvers<Outcome>()
    const { callTimeoutMs } = this.#options
    const late = () => this.#finish(`did not answer within ${callTimeoutMs / 1000} s when ${deeds[call]}`)
    this.#pending.set(id, { call, outcome, timer: setTimeout(late, callTimeoutMs) })
    this.#socket.write(formatLine({ ...question, id }))
    return outcome.promise
  }

  closeKey(key: number): void {
    if (!this.#isOver) this.#socket.write(formatLine({ call: 'close', key }))
  }

  async end(): Promise<void> {
    this.#isEnding = true
    if (this.#isOver) return
    this.#socket.write(formatLine({ call: 'end' }))
    const impatience = Promise.withResolvers<void>()
    const timer = setTimeout(impatience.resolve, endTimeoutMs)
    await Promise.race([this.#exited.promise, impatience.promise])
    clearTimeout(timer)
    this.#finish('was ended')
  }

  isThere(): boolean {
    const { pid, exitCode, signalCode } = this.#child
    return pid !== undefined && exitCode === null && signalCode === null
  }

  #receive(line: string): void {
    const answer = parseTokenAnswer(line)
    if (answer === undefined) {
      this.#finish('gave an answer that is none')
    } else if (answer.kind === 'ready') {
      this.#ready.resolve()
    } else {
      const asked = this.#pending.get(answer.id)
      clearTimeout(asked?.timer)
      this.#pending.delete(answer.id)
      asked?.outcome.resolve(answer)
    }
  }

  /** From here on nothing of it counts, whether or not the operating system has taken it away yet. */
  #finish(what: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#child.kill('SIGKILL')
    this.#socket.destroy()
    const error = new Error(`The process of the PKCS#11 module ${what}.`)
    const waiting = [...this.#pending.values()]
    this.#pending.clear()
    if (!this.#isEnding) {
      this.#options.onFailure({ what, whileSigning: waiting.some(({ call }) => call === 'sign') })
    }
    this.#ready.reject(error)
    for (const { outcome, timer } of waiting) {
      clearTimeout(timer)
      outcome.reject(error)
    }
  }
}

const deeds = {
  open: 'the key was opened',
  examine: 'the key was looked for',
  sign: 'a signature was asked for'
} as const satisfies Readonly<Record<KeyRequest['call'], string>>

/** What the module prints may hold a PIN, and goes nowhere. Neither of the two keeps the service from ending. */
function spawnChild(): { readonly child: ChildProcess; readonly socket: Duplex } {
  // Built, this file and the other end in .js; the compiler does not look into a URL.
  const file = new URL(`../token-process/main${extname(import.meta.url)}`, import.meta.url)
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=64', fileURLToPath(file), String(process.pid)],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe']
    }
  )
  const socket = child.stdio[3] as Duplex & { unref(): void }
  child.unref()
  socket.unref()
  return { child, socket }
}
