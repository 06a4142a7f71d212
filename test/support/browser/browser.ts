import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { createTemporaryDirectory } from '../temporary-directory.ts'

interface BrowserPage {
  /** The value of an expression in the page, which may be a promise. */
  evaluate<Value>(expression: string): Promise<Value>
  /** The value of the expression as soon as it is neither null, false nor empty. */
  until<Value>(expression: string): Promise<Value>
}

export interface Browser {
  open(url: string): Promise<BrowserPage>
  close(): Promise<void>
}

const waitMs = 25_000

/** A real browser without a window, spoken to by the DevTools protocol. */
export async function startBrowser(): Promise<Browser> {
  const directory = await createTemporaryDirectory()
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--window-size=1200,1600',
    '--remote-debugging-port=0'
  ]
  const child = spawn('chromium', [...flags, `--user-data-dir=${directory.path}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const address = await readAddress(child.stderr)
  const protocol = await connect(address)
  return {
    async open(url) {
      const { targetId } = await protocol.send<{ targetId: string }>('Target.createTarget', { url })
      const attached = { targetId, flatten: true }
      const { sessionId } = await protocol.send<{ sessionId: string }>('Target.attachToTarget', attached)
      return createPage((method, params) => protocol.send(method, params, sessionId))
    },
    async close() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      await directory.remove()
    }
  }
}

async function readAddress(stderr: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stderr })
  for await (const line of lines) {
    const found = /DevTools listening on (ws:\S+)/.exec(line)
    if (found !== null) {
      // What is not read would stop the browser once the pipe is full.
      stderr.resume()
      return found[1]!
    }
  }
  throw new Error('The browser ended before it listened.')
}

type Send = <Result>(method: string, params: object) => Promise<Result>

function createPage(send: Send): BrowserPage {
  async function evaluate<Value>(expression: string): Promise<Value> {
    const asked = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await send<{
      result: { value: Value }
      exceptionDetails?: { exception?: { description?: string } }
    }>('Runtime.evaluate', asked)
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? expression)
    return result.value
  }
  return {
    evaluate,
    async until<Value>(expression: string) {
      for (const end = performance.now() + waitMs; performance.now() < end; await pause(100)) {
        // A page that is being left has no values.
        const value = await evaluate<Value | null | false | '' | 0>(expression).catch(() => null)
        if (value !== null && value !== undefined && value !== false && value !== '' && value !== 0)
          return value
      }
      throw new Error(`The page never had ${expression}`)
    }
  }
}

interface Reply {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

async function connect(address: string) {
  const socket = new WebSocket(address)
  await once(socket, 'open')
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as Reply
    const asked = waiting.get(id ?? 0)
    waiting.delete(id ?? 0)
    if (error === undefined) asked?.resolve(result)
    else asked?.reject(new Error(error.message))
  })
  let count = 0
  return {
    send<Result>(method: string, params: object, sessionId?: string): Promise<Result> {
      const id = ++count
      const asked = Promise.withResolvers<unknown>()
      waiting.set(id, asked)
      socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }))
      return asked.promise as Promise<Result>
    }
  }
}
