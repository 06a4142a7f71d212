import { isIP, isIPv4 } from 'node:net'
import { resolve } from 'node:path'

/** What a setting's text can stand for. A kind says it in words as well: for the usage text and for refusals. */
export interface Kind<Value> {
  /** The value and what is wrong with the text; without a value, the default takes its place. */
  readonly parse: (text: string) => Parsed<Value>
  /** Adds what may be given to a meaning that ends without a full stop. */
  readonly describe: (meaning: string) => string
  /** As `check-config` prints it. Never a secret. */
  readonly show: (value: Value) => string
  /** Where the value is the name of a file: what that must hold. */
  readonly content?: FileContent
}

interface Parsed<Value> {
  readonly value?: Value | undefined
  readonly refusals?: readonly Refusal[]
}

/** What goes into a violation beside the setting's name. */
interface Refusal {
  readonly expected: string
  readonly found: string
  readonly message: string
}

/** What a file must hold for a setting that names it. */
export interface FileContent {
  /** E.g. `a file whose first line is the passphrase`. */
  readonly expected: string
  readonly isUsable: (text: string) => boolean
  /** Whether it is amiss when others can read it. */
  readonly isSecret: boolean
}

const asItIs = { describe: (meaning: string) => `${meaning}.`, show: String }

/** Any text. */
export function text(): Kind<string> {
  return { ...asItIs, parse: value => ({ value }) }
}

/** A directory, which may have to be made. */
export function directory(): Kind<string> {
  return { ...asItIs, parse: value => ({ value: resolve(value) }) }
}

/** A file that can be read again and again, with that content. */
export function file(content: FileContent): Kind<string> {
  return { ...text(), content }
}

/** A file whose first line is a secret. */
export function secretFile(secret: string, isUsable = isNotEmpty): Kind<string> {
  return file({
    expected: `a file whose first line is ${secret}`,
    isUsable: content => isUsable(firstLineOf(content)),
    isSecret: true
  })
}

interface PemContent {
  readonly isSecret?: boolean
  readonly isUsable?: (text: string) => boolean
}

/** A file in PEM. Unless it is judged here, what is in it is judged with that of another setting. */
export function pemFile(
  holds: string,
  { isSecret = false, isUsable = () => true }: PemContent = {}
): Kind<string> {
  return file({ expected: `a file with ${holds} in PEM`, isUsable, isSecret })
}

/** Names of files, with commas between; not more than that many. What is in them is judged by who reads them. */
export function files(maximum: number): Kind<readonly string[]> {
  const expected = `1 to ${maximum} names of files with commas between`
  return {
    parse(value) {
      const names = value.split(',').map(each => each.trim())
      if (names.every(name => name !== '') && names.length <= maximum)
        return { value: names.map(name => resolve(name)) }
      return { refusals: [{ expected, found: value, message: 'Correct the names.' }] }
    },
    describe: meaning => `${meaning}, with commas between.`,
    show: names => names.join(',')
  }
}

const isNotEmpty = (line: string) => line !== ''

export function firstLineOf(content: string): string {
  return content.split(/\r?\n/, 1)[0] ?? ''
}

export interface Range {
  readonly minimum: number
  readonly maximum: number
  /** What is counted, and what its description begins with. The names of setting and member end with it. */
  readonly unit?: 'ms' | 'bytes' | 'seconds' | 'minutes' | 'hours' | 'days'
}

const unitNames = {
  ms: 'Milliseconds',
  seconds: 'Seconds',
  bytes: 'Bytes',
  minutes: 'Minutes',
  hours: 'Hours',
  days: 'Days'
}

/** A number of things, of milliseconds or of bytes. */
export function wholeNumber({ minimum, maximum, unit }: Range): Kind<number> {
  return {
    parse(value) {
      const number = /^\d{1,15}$/.test(value) ? Number(value) : NaN
      if (number >= minimum && number <= maximum) return { value: number }
      const expected = `a whole number from ${minimum} to ${maximum}`
      return { refusals: [{ expected, found: value, message: 'Correct the number.' }] }
    },
    describe: meaning =>
      `${unit === undefined ? '' : `${unitNames[unit]} `}${meaning}, ${minimum} to ${maximum}.`,
    show: String
  }
}

const sizeUnits = {
  '': 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40
}
const smallestSizeBytes = 1e6
const sizeExpected = 'a whole number of bytes or with a unit (MB, GB, TB, MiB, GiB, TiB), at least 1MB'

/** So many bytes, such as `20GB`. */
export function byteSize(): Kind<number> {
  return {
    parse(value) {
      const [, digits, unit] = /^(\d{1,15}) ?([kMGT]B|[KMGT]iB|)$/.exec(value) ?? []
      const bytes = Number(digits) * sizeUnits[unit as keyof typeof sizeUnits]
      if (bytes >= smallestSizeBytes && Number.isSafeInteger(bytes)) return { value: bytes }
      const message = 'Correct the size, e.g. 20GB.'
      return { refusals: [{ expected: sizeExpected, found: value, message }] }
    },
    describe: meaning => `${meaning}: bytes, or with a unit as in 20GB or 500MiB.`,
    show: String
  }
}

/** A TCP port. */
export function port(): Kind<number> {
  return { ...wholeNumber({ minimum: 0, maximum: 65_535 }), describe: asItIs.describe }
}

/** One of these. */
export function choice<Choice extends string>(choices: readonly Choice[]): Kind<Choice> {
  return {
    parse(value) {
      const chosen = choices.find(candidate => candidate === value)
      if (chosen !== undefined) return { value: chosen }
      const expected = choices.join(' | ')
      return { refusals: [{ expected, found: value, message: 'Choose one of these.' }] }
    },
    describe: meaning => `${choices.join(' | ')}.${meaning === '' ? '' : ` ${meaning}.`}`,
    show: String
  }
}

/** On or off. */
export function onOff(): Kind<boolean> {
  const { parse, describe } = choice(['on', 'off'])
  return {
    parse(word) {
      const { value, ...rest } = parse(word)
      return value === undefined ? rest : { value: value === 'on' }
    },
    describe,
    show: value => (value ? 'on' : 'off')
  }
}

/** Some of these, with commas between. */
export function choices<Choice extends string>(all: readonly Choice[]): Kind<readonly Choice[]> {
  return {
    parse(value) {
      const asked = value.split(',').map(each => each.trim())
      const unknown = asked.filter(each => !(all as readonly string[]).includes(each))
      return {
        value: all.filter(each => asked.includes(each)),
        refusals: unknown.map(found => ({ expected: all.join(', '), found, message: 'Choose of these.' }))
      }
    },
    describe: meaning => `${meaning}, with commas between: ${all.join(', ')}.`,
    show: String
  }
}

/** Addresses and networks (CIDR), with commas between. The whole of the internet is refused. */
export function networks(): Kind<readonly string[]> {
  const expected =
    'addresses or networks (CIDR) with commas between, such as 10.0.0.7,192.168.4.0/24,fd00::/8'
  return {
    parse(value) {
      const given = value.split(',').map(each => each.trim())
      const wrong = given.filter(each => !isNetwork(each))
      return {
        value: given.filter(each => !wrong.includes(each)),
        refusals: wrong.map(found => ({ expected, found, message: 'Correct the addresses.' }))
      }
    },
    describe: meaning => `${meaning}, with commas between.`,
    show: list => list.join(',')
  }
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/')
  if (isIP(address) === 0 || address.includes('%') || more.length > 0) return false
  if (prefix === undefined) return true
  return /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (isIPv4(address) ? 32 : 128)
}

const variableNames = /^[A-Za-z_]\w*\*?$/

/** Names of environment variables, with commas between; one may end in `*`. Those of secrets of the service are refused. */
export function environmentNames(forbidden: readonly string[]): Kind<readonly string[]> {
  const isForbidden = (name: string) =>
    forbidden.some(prefix =>
      name.endsWith('*')
        ? name.startsWith(prefix) || prefix.startsWith(name.slice(0, -1))
        : name.startsWith(prefix)
    )
  const expected = `names of environment variables with commas between, such as CKNFAST_*; none that begins with ${forbidden.join(', ')}`
  return {
    parse(value) {
      const names = value.split(',').map(each => each.trim())
      const wrong = names.filter(name => !variableNames.test(name) || isForbidden(name))
      return {
        value: names.filter(name => !wrong.includes(name)),
        refusals: wrong.map(found => ({ expected, found, message: 'Correct the names.' }))
      }
    },
    describe: meaning => `${meaning}, with commas between; one that ends in * stands for all that begin so.`,
    show: names => names.join(',')
  }
}

export interface UrlRules {
  readonly expected: string
  /** What may be in it that nobody is to see. */
  readonly secret: 'password' | 'secret'
  readonly isUsable: (url: URL) => boolean
  /** What of it may be shown. Default: nothing. */
  readonly show?: (url: URL) => string
}

/** An address. It is kept as it was written, and never repeated. */
export function url({ expected, secret, isUsable, show }: UrlRules): Kind<string> {
  return {
    parse(value) {
      if (URL.canParse(value) && isUsable(new URL(value))) return { value }
      const found = `something else (not shown, it may hold a ${secret})`
      return { refusals: [{ expected, found, message: 'Correct the URL.' }] }
    },
    describe: asItIs.describe,
    show: value => (show === undefined ? '(set, not shown)' : `${show(new URL(value))} (not shown)`)
  }
}
