import { toHex } from '../../pki/der/octet-text.ts'
import { findKeysInDer } from './der.ts'
import type { FoundKey, JsonWebKey } from './public-key.ts'
import { readOpensshKey, readPuttyKey, type SshKey } from './ssh.ts'

/** What was found beside and between other things. */
export interface Findings {
  readonly keys: readonly FoundKey[]
  /** DER that is no private key; a CSR may be among it. */
  readonly others: readonly Uint8Array[]
}

/** Base64 in JSON in base64: people do that; nobody does more. */
const maximumNesting = 3
const maximumOthers = 8
/** Of an RSA key of 16,384 bits. */
const maximumBlockLength = 16_384

/** `BEGIN … PRIVATE KEY` whatever became of dashes, case, spaces and line ends on its way. */
const marker = /BEGIN[ +_]{0,3}(?:[A-Z0-9]{1,12}[ +_]{1,3}){0,4}?PRIVATE[ +_]{1,3}KEY(?:[ +_]BLOCK)?/gi
/** Looked for at the beginning of a row of dashes alone: a long row would be gone through for each of its dashes. */
const anyEnd = /(?<![\u2010-\u2015\u2212-])[\u2010-\u2015\u2212-]{2,}[ \t]*(?:END|BEGIN)|\bEND[ +_%]/i
const otherBlock = /-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]+)-----END/g
const base64Text = /^[A-Za-z0-9+/_=\s-]{40,}$/
/** Base64 in the middle of something else, which begins as DER, PEM and OpenSSH's form do. */
const base64Run =
  /(?<![A-Za-z0-9+/_-])(?:M[A-P]|LS0tLS1C|b3BlbnNzaC1r)[A-Za-z0-9+/_-]{50,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]+)*/g
/** The file that stations send: a request alone. Whatever else there is has to be in its DER. */
const requestAlone =
  /^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----\s([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/
/** One of these is in every text in which a key is looked for; in the octets of a request there is hardly ever one. */
const trace =
  /PRIVATE|-----BEGIN|PuTTY-User|<RSAKeyValue>|priv(?:ateExponent)?:|[A-Za-z0-9+/_-]{50}|%[0-9A-F]{2}|\\[rnt"/\\]/i
const jsonText = /^\s*[{[]/
const hexadecimalText = /^[0-9A-Fa-f\s:]{80,}$/
const opensshMagic = 'openssh-key-v1\0'
/** Java's key stores. */
const keyStoreMagics = ['feedfeed', 'cececece']

/** Gathers what is found in one request, in all its parts. */
export class Search implements Findings {
  readonly keys: FoundKey[] = []
  readonly others: Uint8Array[] = []

  inBytes(bytes: Uint8Array, nesting = 0): void {
    const isBinary = bytes.some(octet => octet >= 0x80 || octet === 0)
    if (isBinary) this.#inBinary(bytes)
    // UTF-16 of ASCII is ASCII with zeros between.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    this.inText(text.replaceAll('\0', ''), nesting)
  }

  inText(text: string, nesting = 0): void {
    // The shortest key, of Ed25519, has 48 octets of DER; its scalar alone cannot be told from other hexadecimal.
    if (text.length < 40 || nesting > maximumNesting) return
    const [, request] = requestAlone.exec(text) ?? []
    if (request !== undefined) return this.#inDecoded(request, nesting, true)
    if (!hasTrace(text)) return
    const plain = unescape(text)
    const isFound = this.#inMarkedBlocks(plain)
    for (const [, label = '', body = ''] of plain.matchAll(otherBlock)) {
      if (!/PRIVATE KEY/.test(label)) this.#inDecoded(body, nesting, label.endsWith('CERTIFICATE REQUEST'))
    }
    this.#inOtherForms(plain)
    if (!isFound) this.#inUnmarked(plain, nesting)
    if (hexadecimalText.test(plain)) {
      this.inBytes(Uint8Array.from(Buffer.from(plain.replace(/[^0-9A-Fa-f]/g, ''), 'hex')), nesting + 1)
    }
    if (jsonText.test(plain)) this.#inJsonText(text, nesting)
  }

  /** All of it may be base64, or runs within it. */
  #inUnmarked(text: string, nesting: number): void {
    const before = this.keys.length
    if (base64Text.test(text)) this.#inDecoded(text, nesting, true)
    if (this.keys.length > before) return
    for (const [run] of text.matchAll(base64Run)) this.#inDecoded(run, nesting, false)
  }

  /** JSON as it was parsed. */
  inJson(root: unknown, nesting = 0): void {
    const waiting: unknown[] = [root]
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      if (typeof value === 'string') this.inText(value, nesting)
      if (typeof value !== 'object' || value === null) continue
      if (isPrivateJwk(value)) this.keys.push({ kind: 'jwk', jwk: value })
      for (const member of Object.values(value)) if (member !== undefined) waiting.push(member)
    }
  }

  #inBinary(bytes: Uint8Array): boolean {
    const found = findKeysInDer(bytes)
    for (const { kind, der } of found)
      this.keys.push(
        kind === 'plain' ? { kind: 'der', der } : { kind: 'sealed', isPkcs12: kind === 'pkcs12' }
      )
    const magic = Buffer.from(bytes).indexOf(opensshMagic)
    if (magic !== -1) this.#addSshKey(readOpensshKey(bytes, magic + opensshMagic.length))
    const isKeyStore = keyStoreMagics.includes(toHex(bytes.subarray(0, 4)))
    if (isKeyStore) this.keys.push({ kind: 'sealed' })
    return found.length > 0 || magic !== -1 || isKeyStore
  }

  #inMarkedBlocks(text: string): boolean {
    let isFound = false
    const matches = [...text.matchAll(marker)]
    for (const [index, match] of matches.entries()) {
      const start = match.index + match[0].length
      // The next one ends it, so that all of them together are gone through once.
      const limit = Math.min(start + maximumBlockLength, matches[index + 1]?.index ?? text.length)
      const body = text.slice(start, limit).replace(/^[^\n]*?-{2,}/, '')
      const end = body.search(anyEnd)
      const block = end === -1 ? body : body.slice(0, end)
      const digits = block.replace(/^.*:.*$/gm, '').replace(/[^A-Za-z0-9+/=_-]/g, '')
      // The words alone are no key.
      if (digits.length < 24) continue
      isFound = true
      const isEncrypted = /ENCRYPTED/i.test(match[0]) || /ENCRYPTED/.test(block)
      const bytes = Uint8Array.from(Buffer.from(digits, 'base64'))
      if (isEncrypted || !this.#inBinary(bytes)) this.keys.push({ kind: 'sealed' })
    }
    return isFound
  }

  #inDecoded(base64: string, nesting: number, mayBeRequest: boolean): void {
    const bytes = Uint8Array.from(Buffer.from(base64.replace(/\s/g, ''), 'base64'))
    if (mayBeRequest && bytes[0] === 0x30 && this.others.length < maximumOthers) this.others.push(bytes)
    this.inBytes(bytes, nesting + 1)
  }

  /** Keys that are not in DER: PuTTY's, .NET's XML, and what `openssl pkey -text` prints. */
  #inOtherForms(text: string): void {
    for (const section of sectionsOf(text, /PuTTY-User-Key-File-\d/g)) this.#addSshKey(readPuttyKey(section))
    for (const section of sectionsOf(text, /<RSAKeyValue>/g)) {
      if (section.includes('<D>')) this.keys.push({ kind: 'jwk', jwk: readXmlKey(section) })
    }
    if (/^[ \t]*(?:priv|privateExponent):[ \t]*\r?$/m.test(text)) this.keys.push({ kind: 'sealed' })
  }

  #addSshKey(key: SshKey | undefined): void {
    this.keys.push(key === undefined ? { kind: 'sealed' } : { kind: 'ssh', key })
  }

  #inJsonText(text: string, nesting: number): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      return
    }
    this.inJson(value, nesting + 1)
  }
}

/** Whether a text is worth a closer look. */
function hasTrace(text: string): boolean {
  return trace.test(text) || jsonText.test(text) || base64Text.test(text) || hexadecimalText.test(text)
}

/** What JSON, shells and forms made of line ends and signs. A `+` stays: base64 has more of them than forms have spaces. */
function unescape(text: string): string {
  const lines = text.includes('\\')
    ? text.replace(/\\{1,8}[rnt]/g, '\n').replace(/\\{1,8}(?=["/])/g, '')
    : text
  return lines.includes('%')
    ? lines.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16))
      )
    : lines
}

function isPrivateJwk(value: object): value is JsonWebKey {
  const { kty, d, n, x } = value as Readonly<Record<string, unknown>>
  return (
    typeof kty === 'string' &&
    typeof d === 'string' &&
    d.length >= 20 &&
    (typeof n === 'string' || typeof x === 'string')
  )
}

/** From each beginning to the next. */
function sectionsOf(text: string, beginning: RegExp): readonly string[] {
  const starts = [...text.matchAll(beginning)].map(({ index }) => index)
  return starts.map((start, position) => text.slice(start, starts[position + 1]))
}

const xmlNames = {
  n: 'Modulus',
  e: 'Exponent',
  d: 'D',
  p: 'P',
  q: 'Q',
  dp: 'DP',
  dq: 'DQ',
  qi: 'InverseQ'
} as const

/** .NET's RSAKeyValue, whose numbers are those of a JWK (RFC 7518 §6.3). */
function readXmlKey(text: string): JsonWebKey {
  const members = Object.entries(xmlNames).flatMap(([member, name]) => {
    const base64 = new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]
    return base64 === undefined ? [] : [[member, Buffer.from(base64, 'base64').toString('base64url')]]
  })
  return { kty: 'RSA', ...(Object.fromEntries(members) as Record<string, string>) }
}
