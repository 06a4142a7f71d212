import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import { type EventType, eventTypes } from '../events/event-type.ts'
import { logLevels, settings } from './setting.ts'

export { type Setting, settings } from './setting.ts'

/** Everything the service can be told, read once at start. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly dataDirectory: string
  /** Undefined: the embedded PostgreSQL in the data directory. */
  readonly databaseUrl: string | undefined
  readonly databasePoolSize: number
  /** The file whose first line is the passphrase of the local CA keys. Undefined: the starter's own. */
  readonly caPassphraseFile: string | undefined
  readonly starter: boolean
  readonly logLevel: (typeof logLevels)[number]
  readonly requestTimeoutMs: number
  readonly shutdownTimeoutMs: number
  /** Requests that may wait for a group commit before new ones are told to come back. */
  readonly maximumWaiting: number
  readonly kmsMaximumConcurrent: number
  readonly kmsRequestTimeoutMs: number
  /** Undefined, with the PIN file: no CA key is on a token. */
  readonly pkcs11Module: string | undefined
  /** The file whose first line is the PIN of the token. */
  readonly pkcs11PinFile: string | undefined
  readonly pkcs11Sessions: number
  /** Undefined, with the secret file: no events go out. */
  readonly webhookUrl: string | undefined
  /** The file whose first line is the secret that signs them. */
  readonly webhookSecretFile: string | undefined
  readonly webhookEvents: readonly EventType[]
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads and validates the environment. Pure but for the file that DATABASE_URL_FILE names.
 *
 * @throws MintlineError `config_invalid` with every mistake at once; `pointer` is the setting's name. The value
 * of DATABASE_URL is never repeated.
 */
export function loadConfig(environment: Environment, isRoot = process.getuid?.() === 0): Config {
  const { config, violations } = readConfig(environment, isRoot)
  assertNoViolations(violations)
  return config
}

/** @throws MintlineError `config_invalid` when there are any. */
export function assertNoViolations(violations: readonly Violation[]): void {
  if (violations.length === 0) return
  throw new MintlineError('config_invalid', `${violations.length} setting(s) cannot be used.`, { violations })
}

/** The same as `loadConfig`, with the default in the place of each value that is refused. */
export function readConfig(
  environment: Environment,
  isRoot = process.getuid?.() === 0
): { readonly config: Config; readonly violations: readonly Violation[] } {
  const violations: Violation[] = []
  const read = createReader(environment, violations)
  read.refuseUnknown()
  const config: Config = {
    host: read.text('MINTLINE_HOST', '127.0.0.1'),
    port: read.integer('MINTLINE_PORT', 8080, 0, 65535),
    dataDirectory: resolve(read.text('MINTLINE_DATA_DIR', defaultDataDirectory(environment, isRoot))),
    databaseUrl: read.databaseUrl(),
    databasePoolSize: read.integer('MINTLINE_DATABASE_POOL_SIZE', 10, 2, 100),
    caPassphraseFile: read.optionalText('MINTLINE_CA_PASSPHRASE_FILE'),
    starter: read.choice('MINTLINE_STARTER', ['on', 'off'], 'on') === 'on',
    logLevel: read.choice('MINTLINE_LOG_LEVEL', logLevels, 'info'),
    requestTimeoutMs: read.integer('MINTLINE_REQUEST_TIMEOUT_MS', 30_000, 1_000, 600_000),
    shutdownTimeoutMs: read.integer('MINTLINE_SHUTDOWN_TIMEOUT_MS', 10_000, 0, 600_000),
    maximumWaiting: read.integer('MINTLINE_MAXIMUM_WAITING', 1_000, 1, 100_000),
    kmsMaximumConcurrent: read.integer('MINTLINE_KMS_MAXIMUM_CONCURRENT', 32, 1, 1_000),
    kmsRequestTimeoutMs: read.integer('MINTLINE_KMS_REQUEST_TIMEOUT_MS', 3_000, 100, 60_000),
    pkcs11Module: read.optionalText('MINTLINE_PKCS11_MODULE'),
    pkcs11PinFile: read.optionalText('MINTLINE_PKCS11_PIN_FILE'),
    pkcs11Sessions: read.integer('MINTLINE_PKCS11_SESSIONS', 4, 1, 64),
    webhookUrl: read.webhookUrl(),
    webhookSecretFile: read.optionalText('MINTLINE_WEBHOOK_SECRET_FILE'),
    webhookEvents: read.choices('MINTLINE_WEBHOOK_EVENTS', eventTypes)
  }
  read.refuseHalf('MINTLINE_PKCS11_MODULE', 'MINTLINE_PKCS11_PIN_FILE')
  read.refuseHalf('MINTLINE_WEBHOOK_URL', 'MINTLINE_WEBHOOK_SECRET_FILE')
  return { config: Object.freeze(config), violations }
}

function defaultDataDirectory(environment: Environment, isRoot: boolean): string {
  if (isRoot) return '/var/lib/mintline'
  const dataHome = environment['XDG_DATA_HOME']
  return join(dataHome?.startsWith('/') ? dataHome : join(homedir(), '.local/share'), 'mintline')
}

function createReader(environment: Environment, violations: Violation[]) {
  const refuse = (name: string, expected: string, found: string, message: string) => {
    violations.push({ pointer: name, expected, found, message })
  }
  const optionalText = (name: string) => {
    const value = environment[name]
    if (value === '') refuse(name, 'a value', 'an empty string', 'Give it a value or unset it.')
    return value === '' ? undefined : value
  }
  const read = {
    optionalText,
    text: (name: string, fallback: string) => optionalText(name) ?? fallback,
    integer(name: string, fallback: number, minimum: number, maximum: number) {
      const value = optionalText(name)
      if (value === undefined) return fallback
      const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN
      if (number >= minimum && number <= maximum) return number
      refuse(name, `a whole number from ${minimum} to ${maximum}`, value, 'Correct the number.')
      return fallback
    },
    choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
      const value = optionalText(name)
      const choice = value === undefined ? fallback : choices.find(candidate => candidate === value)
      if (choice === undefined) refuse(name, choices.join(' | '), value ?? '', 'Choose one of these.')
      return choice ?? fallback
    },
    /** Some of the choices, with commas between; all of them unless set. */
    choices<Choice extends string>(name: string, choices: readonly Choice[]): readonly Choice[] {
      const value = optionalText(name)
      if (value === undefined) return choices
      const asked = value.split(',').map(each => each.trim())
      for (const unknown of asked.filter(each => !(choices as readonly string[]).includes(each))) {
        refuse(name, choices.join(', '), unknown, 'Choose of these.')
      }
      return choices.filter(choice => asked.includes(choice))
    },
    webhookUrl() {
      const value = optionalText('MINTLINE_WEBHOOK_URL')
      if (value === undefined || isWebhookUrl(value)) return value
      refuse(
        'MINTLINE_WEBHOOK_URL',
        'https://host/path, or http:// with 127.0.0.1, [::1] or localhost; no user, password or fragment',
        'something else (not shown, it may hold a secret)',
        'Correct the URL.'
      )
      return undefined
    },
    /** Two settings that mean nothing without each other. */
    refuseHalf(first: string, second: string) {
      const missing = [first, second].filter(name => environment[name] === undefined)
      if (missing.length !== 1) return
      refuse(missing[0]!, `${first} and ${second} together`, 'one of them', 'Set both, or neither.')
    },
    databaseUrl() {
      const direct = optionalText('DATABASE_URL')
      const file = optionalText('DATABASE_URL_FILE')
      if (direct !== undefined && file !== undefined) {
        refuse('DATABASE_URL_FILE', 'one of DATABASE_URL and DATABASE_URL_FILE', 'both', 'Unset one of them.')
      }
      const [name, value] =
        file === undefined ? ['DATABASE_URL', direct] : ['DATABASE_URL_FILE', readFirstLine(file)]
      if (value === null) refuse(name ?? '', 'a file that can be read', file ?? '', 'Check path and mode.')
      if (value == null) return undefined
      if (isPostgresUrl(value)) return value
      refuse(
        name ?? '',
        'postgres://user:password@host:port/database',
        'something else (not shown, it may hold a password)',
        'Correct the URL.'
      )
      return undefined
    },
    refuseUnknown() {
      const known = new Set(settings.map(setting => setting.name))
      for (const name of Object.keys(environment)) {
        if (!name.startsWith('MINTLINE_') || known.has(name)) continue
        refuse(name, [...known].join(', '), name, 'There is no such setting; check the spelling.')
      }
    }
  }
  return read
}

function readFirstLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/, 1)[0] ?? ''
  } catch {
    return null
  }
}

function isPostgresUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const url = new URL(value)
  return ['postgres:', 'postgresql:'].includes(url.protocol) && url.pathname.length > 1
}

/** What events say is not for everybody on the way. */
function isWebhookUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, hostname, username, password, hash } = new URL(value)
  if (username !== '' || password !== '' || hash !== '') return false
  const isThisMachine = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isThisMachine)
}
