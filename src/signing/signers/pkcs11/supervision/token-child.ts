import { type ChildProcess, spawn } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname, extname } from 'node:path'
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
type Answer = Exclude<TokenAnswer, { readonly kind: 'ready' }>
type LoginTold = Extract<Answer, { readonly kind: 'login' }>
export type Outcome = Exclude<Answer, { readonly kind: 'entered' | 'login' }>

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
  /** All that the process gets of the service's environment. */
  readonly environment: Readonly<Record<string, string>>
  /** From when the module is entered until its process is ended. */
  readonly callTimeoutMs: number
  /** What the token said to a login; before the answer to what the login was for. */
  readonly onLogin: (login: LoginTold) => void
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
/** So many times the limit of a call. One that is entered has its own. */
const silentTimeouts = 2
/** More than any key has sessions. */
const maximumPending = 1_000

interface Pending {
  readonly call: KeyRequest['call']
  readonly outcome: PromiseWithResolvers<Outcome>
  /** Runs once the module is entered. */
  timer: NodeJS.Timeout | undefined
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
  /** While something is asked: of a process that says nothing at all, not even that the module is entered. */
  #silence: NodeJS.Timeout | undefined
  #lastId = 0
  #isOver = false
  #isEnding = false

  constructor(options: TokenChildOptions) {
    this.#options = options
    const { child, socket } = spawnChild(options)
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
    this.#pending.set(id, { call, outcome, timer: undefined })
    this.#silence ??= setTimeout(() => this.#finishLate(call), this.#options.callTimeoutMs * silentTimeouts)
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
    } else if (answer.kind === 'login') {
      this.#options.onLogin(answer)
    } else {
      this.#silence?.refresh()
      this.#take(answer)
    }
  }

  #take(answer: Exclude<Answer, LoginTold>): void {
    const asked = this.#pending.get(answer.id)
    if (asked === undefined) return
    if (answer.kind === 'entered') {
      asked.timer ??= setTimeout(() => this.#finishLate(asked.call), this.#options.callTimeoutMs)
      return
    }
    clearTimeout(asked.timer)
    this.#pending.delete(answer.id)
    if (this.#pending.size === 0) this.#endSilence()
    asked.outcome.resolve(answer)
  }

  #endSilence(): void {
    clearTimeout(this.#silence)
    this.#silence = undefined
  }

  #finishLate(call: KeyRequest['call']): void {
    this.#finish(`did not answer within ${this.#options.callTimeoutMs / 1000} s when ${deeds[call]}`)
  }

  /** From here on nothing of it counts, whether or not the operating system has taken it away yet. */
  #finish(what: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#endSilence()
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
function spawnChild({ settings, environment }: Pick<TokenChildOptions, 'settings' | 'environment'>): {
  readonly child: ChildProcess
  readonly socket: Duplex
} {
  // Built, this file and the other end in .js; the compiler does not look into a URL.
  const file = new URL(`../token-process/main${extname(import.meta.url)}`, import.meta.url)
  const compileCacheOfVersion = getCompileCacheDir()
  const compileCache = compileCacheOfVersion && dirname(compileCacheOfVersion)
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=64', fileURLToPath(file), String(process.pid)],
    {
      env: {
        ...environment,
        // Signatures take one thread each; the PIN file is read in another one.
        UV_THREADPOOL_SIZE: String(settings.sessions + 1),
        // A start then takes a third of the time of a core: it is repeated while the module is sick, beside lines at work.
        ...(compileCache !== undefined && { NODE_COMPILE_CACHE: compileCache })
      },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe']
    }
  )
  const socket = child.stdio[3] as Duplex & { unref(): void }
  child.unref()
  socket.unref()
  return { child, socket }
}
