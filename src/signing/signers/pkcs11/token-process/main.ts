import { flushCompileCache } from 'node:module'
import { Socket } from 'node:net'
import { isMintlineError } from '../../../../errors/mintline-error.ts'
import { createSlots, type Slots } from '../../signer-slots.ts'
import {
  createLineReader,
  formatLine,
  parseTokenRequest,
  type TokenAnswer,
  type TokenFailure,
  type TokenRequest,
  type TokenSettings
} from '../protocol.ts'
import { createLogins, LoginNeeded, type Logins } from './logins.ts'
import { loadPkcs11Module, type Pkcs11Module } from './module.ts'
import { watchParent } from './parent-watch.ts'
import { createTokenKey, type TokenKey } from './token-key.ts'

// The process of a token: all that enters a PKCS#11 module happens here. What hangs or crashes in it takes nothing
// along but this process, which the service ends and starts anew (see ../supervision).

const socket = new Socket({ fd: 3 })

type KeyRequest = Extract<TokenRequest, { readonly id: number }>

interface Opened {
  readonly settings: TokenSettings
  /** As many signatures as there are threads for them: what waits has not entered the module. */
  readonly slots: Slots
  readonly logins: Logins
}

/** The service asks less at once. */
const maximumWaiting = 10_000

const keys = new Map<number, TokenKey>()
let opened: Opened | undefined
let loading: Promise<Pkcs11Module> | undefined
let module: Pkcs11Module | undefined

const tell = (answer: TokenAnswer) => void socket.write(formatLine(answer))

function handle(request: TokenRequest): void {
  if ('id' in request) void answer(request)
  else if (request.call === 'settings') {
    const tellLogin: Logins['tell'] = (need, outcome) => tell({ kind: 'login', outcome, ...need })
    opened = {
      settings: request,
      slots: createSlots({ maximumConcurrent: request.sessions, maximumWaiting }),
      logins: createLogins(Buffer.from(request.markKey, 'base64'), tellLogin)
    }
  } else if (request.call === 'close') closeKey(request.key)
  else end()
}

function closeKey(key: number): void {
  keys.get(key)?.close()
  keys.delete(key)
  // Some modules see what was changed at the token, such as its PIN, only when they are initialised.
  if (keys.size === 0) module?.finalize()
}

async function answer(request: KeyRequest): Promise<void> {
  const { id } = request
  try {
    tell({ kind: 'done', id, octets: Buffer.from(await carryOut(request)).toString('base64') })
  } catch (error) {
    if (error instanceof LoginNeeded) tell({ kind: 'login-needed', id, ...error.need })
    else tell({ kind: 'failed', id, ...describe(error) })
  }
}

function carryOut(request: KeyRequest): Promise<Uint8Array> {
  if (opened === undefined) throw new Error('a key was asked for before there were settings')
  const at = opened
  return request.call === 'sign' ? at.slots.run(() => enter(request, at)) : enter(request, at)
}

async function enter(request: KeyRequest, opened: Opened): Promise<Uint8Array> {
  tell({ kind: 'entered', id: request.id })
  const key = await keyOf(request, opened)
  if (request.call === 'open') return key.open(request.grant)
  if (request.call === 'sign') return key.sign(request, Buffer.from(request.input, 'base64'))
  await key.examine(request)
  return new Uint8Array()
}

async function keyOf({ key, keyLabel }: KeyRequest, { settings, logins }: Opened): Promise<TokenKey> {
  loading ??= loadPkcs11Module(settings.modulePath).finally(() => (loading = undefined))
  module ??= await loading
  const known = keys.get(key)
  if (known !== undefined) return known
  const { tokenLabel, pinFile, sessions } = settings
  const made = createTokenKey(module, { tokenLabel, keyLabel, pinFile, sessions, logins })
  keys.set(key, made)
  return made
}

function describe(error: unknown): TokenFailure {
  if (!isMintlineError(error)) {
    const detail = 'The process of the PKCS#11 module failed for an unexpected reason; see the log.'
    return { code: 'internal_error', detail, cause: textOf(error) }
  }
  const { detail, retryAfterSeconds, cause } = error
  const code = error.code === 'signer_unavailable' ? error.code : 'key_unusable'
  return { code, detail, retryAfterSeconds, cause: textOf(cause) }
}

function textOf(error: unknown): string | undefined {
  return error instanceof Error ? error.message : undefined
}

function end(): void {
  for (const key of keys.values()) key.close()
  module?.finalize()
  process.exit(0)
}

await watchParent(Number(process.argv[2]))
const dieAtOnce = () => void process.kill(process.pid, 'SIGKILL')
socket.on(
  'data',
  createLineReader(line => handle(parseTokenRequest(line)), dieAtOnce)
)
socket.on('close', dieAtOnce)
socket.on('error', dieAtOnce)
tell({ kind: 'ready' })
// It would be written at the end, which for most is a SIGKILL.
flushCompileCache()
