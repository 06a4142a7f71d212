import { readFileSync } from 'node:fs'
import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import { parseWebhookSecret } from '../events/receiver/signature.ts'

/** What the file of the systems is named by, in refusals. */
export const mesFileSetting = 'MINTLINE_MES_FILE'

interface MesEntry {
  readonly url: string
  readonly secretFile: string
  readonly timeoutMs?: number
  readonly caFile?: string
}

/** A manufacturing execution system that profiles may have asked. */
export interface MesSystem {
  readonly url: string
  /** What questions are signed with. */
  readonly key: Uint8Array
  /** For a whole question, the wait for its turn included. */
  readonly timeoutMs: number
  /** The CAs that alone are trusted for it; undefined: those that Node.js trusts. */
  readonly caPem: string | undefined
}

const defaultTimeoutMs = 2_000
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/
const maximumSystems = 16
const entryExpected = 'url, secretFile and, where they are wanted, timeoutMs (100 to 10000) and caFile'

/** What stands in the file, by name, and what is wrong with it. No file that it names is looked at. */
export function parseMesFile(text: string): {
  readonly entries: ReadonlyMap<string, MesEntry>
  readonly violations: readonly Violation[]
} {
  const value = parseObject(text)
  if (value === undefined) {
    const found = 'something else'
    const expected = 'a JSON object: for each name of a system, its url and secretFile'
    return {
      entries: new Map(),
      violations: [refusal('', { expected, found, message: 'Correct the file.' })]
    }
  }
  const named = Object.entries(value)
  const violations = named.flatMap(([name, entry]) => entryViolations(name, entry))
  if (named.length > maximumSystems)
    violations.push(
      refusal('', {
        expected: `at most ${maximumSystems} systems`,
        found: String(named.length),
        message: 'Leave some out.'
      })
    )
  return { entries: new Map(named as [string, MesEntry][]), violations }
}

function parseObject(text: string): object | undefined {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function entryViolations(name: string, entry: unknown): Violation[] {
  const place = `/${name.slice(0, 64)}`
  if (!namePattern.test(name)) {
    const expected = 'a name of lower-case letters, digits and inner hyphens, at most 64'
    return [refusal(place, { expected, found: name.slice(0, 64), message: 'Rename it.' })]
  }
  if (!isEntry(entry)) {
    const found = 'something else (not shown, it may hold a secret)'
    return [refusal(place, { expected: entryExpected, found, message: 'Correct the entry.' })]
  }
  if (isMesUrl(entry.url)) return []
  return [
    refusal(`${place}/url`, {
      expected:
        'https://host/path, or http:// with 127.0.0.1, [::1] or localhost; no user, password or fragment',
      found: 'something else (not shown, it may hold a secret)',
      message: 'Correct the URL.'
    })
  ]
}

const isName = (value: unknown) => typeof value === 'string' && value !== ''
const isTimeout = (value: unknown) =>
  Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 10_000

function isEntry(value: unknown): value is MesEntry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { url, secretFile, timeoutMs, caFile, ...others } = value as Readonly<Record<string, unknown>>
  return (
    isName(url) &&
    isName(secretFile) &&
    (timeoutMs === undefined || isTimeout(timeoutMs)) &&
    (caFile === undefined || isName(caFile)) &&
    Object.keys(others).length === 0
  )
}

/** Who is on the way could answer in the place of the system. */
function isMesUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false
  const isThisMachine = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isThisMachine)
}

function refusal(place: string, rest: Omit<Violation, 'pointer'>): Violation {
  return { pointer: `${mesFileSetting}${place}`, ...rest }
}

/** What of the files that it names cannot be used. */
function mesFileViolations(entries: ReadonlyMap<string, MesEntry>): readonly Violation[] {
  return [...entries].flatMap(([name, { secretFile, caFile }]) => {
    const violations: Violation[] = []
    if (readKey(secretFile) === undefined)
      violations.push(
        refusal(`/${name}/secretFile`, {
          expected: 'a file whose first line is whsec_ and the base64 of 24 to 64 octets',
          found: `${secretFile}, without one`,
          message: 'Write the secret into it, or name another file.'
        })
      )
    if (caFile !== undefined && !readText(caFile)?.includes('-----BEGIN CERTIFICATE-----'))
      violations.push(
        refusal(`/${name}/caFile`, {
          expected: 'a file with certificates of CAs in PEM',
          found: `${caFile}, without one`,
          message: 'Check path, owner, mode and content.'
        })
      )
    return violations
  })
}

/**
 * The systems that the file names, with what they are asked with; none without a file.
 *
 * @throws MintlineError `config_invalid` for a file that cannot be used.
 */
export function loadMesSystems(file: string | undefined): ReadonlyMap<string, MesSystem> {
  if (file === undefined) return new Map()
  const { entries, violations } = parseMesFile(readText(file) ?? '')
  const all = violations.length > 0 ? violations : mesFileViolations(entries)
  if (all.length > 0)
    throw new MintlineError('config_invalid', `${file} cannot be used.`, { violations: all })
  return new Map([...entries].map(([name, entry]) => [name, open(entry)]))
}

function open({ url, secretFile, timeoutMs = defaultTimeoutMs, caFile }: MesEntry): MesSystem {
  const caPem = caFile === undefined ? undefined : readText(caFile)
  return { url, key: readKey(secretFile)!, timeoutMs, caPem }
}

function readKey(file: string): Uint8Array | undefined {
  return parseWebhookSecret(readText(file)?.split(/\r?\n/, 1)[0] ?? '')
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** What the file names, held against this machine. A file that cannot be read, or is none, is told of by its setting. */
export function examineMesFile(file: string | undefined): {
  readonly violations: readonly Violation[]
  readonly secretFiles: readonly { readonly pointer: string; readonly file: string }[]
} {
  const { entries, violations } = parseMesFile((file === undefined ? undefined : readText(file)) ?? '')
  if (violations.length > 0) return { violations: file === undefined ? [] : violations, secretFiles: [] }
  const secretFiles = [...entries].map(([name, { secretFile }]) => ({
    pointer: `${mesFileSetting}/${name}/secretFile`,
    file: secretFile
  }))
  return { violations: mesFileViolations(entries), secretFiles }
}
