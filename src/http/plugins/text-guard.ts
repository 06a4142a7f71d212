import type { FastifyInstance } from 'fastify'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'

/** More than any document of ours needs; a profile's template has about ten. */
const maximumDepth = 64
const maximumViolations = 10
/** The text of a CSR is taken for bytes at once: it is judged as such, and a refusal of it goes on record. */
const takenForBytes = '/csr'

/**
 * Refuses what no schema sees and no PostgreSQL stores, before it gets anywhere: the NUL character and lone surrogates
 * in any text of path, query or JSON body but that of a CSR, and JSON nested so deeply that walking it would overflow the stack.
 */
export function addTextGuard(app: FastifyInstance): void {
  app.addHook('onRequest', async request => assertReadable(request.url))
  app.addHook('preValidation', async request => {
    assertStorable([
      ...findFaults(request.params, '/path'),
      ...findFaults(request.query, '/query'),
      ...(request.body instanceof Uint8Array ? [] : findFaults(request.body, ''))
    ])
  })
}

/**
 * What cannot be decoded would be taken as it stands, and be searched for in vain. RFC 3986, section 2.1; octets are of UTF-8
 * (RFC 3629).
 *
 * @throws MintlineError `request_invalid`.
 */
function assertReadable(url: string): void {
  const [, query = ''] = url.split(/\?(.*)/s, 2)
  const violations = query.split('&').flatMap(part => {
    const [name = '', value = ''] = part.split(/=(.*)/s, 2)
    if (isDecodable(name) && isDecodable(value)) return []
    return [
      {
        pointer: isDecodable(name) ? `/query/${escapePointer(decodeURIComponent(name))}` : '/query',
        expected: 'percent-encoded UTF-8',
        found: part.slice(0, 64),
        message:
          'Write each octet that is encoded as % and two hexadecimal digits, in UTF-8; % itself is %25.'
      }
    ]
  })
  if (violations.length === 0) return
  throw new MintlineError('request_invalid', 'The query cannot be read.', {
    violations: violations.slice(0, maximumViolations)
  })
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** The same of one value of JSON. @throws MintlineError `request_invalid`. */
export function assertStorableText(value: unknown): void {
  assertStorable(findFaults(value, ''))
}

function assertStorable(violations: readonly Violation[]): void {
  if (violations.length === 0) return
  throw new MintlineError(
    'request_invalid',
    'The request holds what cannot be kept as text; see violations.',
    { violations: violations.slice(0, maximumViolations) }
  )
}

interface Place {
  readonly value: unknown
  readonly name: string
  /** Undefined for the whole. */
  readonly parent: Place | undefined
  readonly depth: number
}

function findFaults(root: unknown, rootPointer: string): readonly Violation[] {
  const violations: Violation[] = []
  const waiting: Place[] = [{ value: root, name: '', parent: undefined, depth: 0 }]
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const { value, depth } = place
    if (typeof value === 'string' && !isStorable(value)) {
      const pointer = rootPointer + pointerOf(place)
      if (pointer !== takenForBytes) violations.push(notText(pointer))
    }
    if (typeof value !== 'object' || value === null) continue
    if (depth === maximumDepth) return [tooDeep(rootPointer)]
    for (const [name, member] of Object.entries(value)) {
      if (!isStorable(name)) violations.push(notText(rootPointer + pointerOf(place)))
      // Most of what a list holds, and numbers at that, can neither be at fault nor hold a fault.
      if (typeof member === 'string' || (typeof member === 'object' && member !== null))
        waiting.push({ value: member, name, parent: place, depth: depth + 1 })
    }
  }
  return violations
}

/** Written for what is at fault alone. */
function pointerOf({ name, parent }: Place): string {
  return parent === undefined ? '' : `${pointerOf(parent)}/${escapePointer(name)}`
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** RFC 6901, section 3; the name may be the fault itself. */
function escapePointer(name: string): string {
  return name.toWellFormed().replaceAll('\0', '\ufffd').replaceAll('~', '~0').replaceAll('/', '~1')
}

function notText(pointer: string): Violation {
  return {
    pointer,
    expected: 'well-formed Unicode without the character U+0000',
    found: 'U+0000 or half of a surrogate pair',
    message: 'Send the value again without it; it may be padding or a wrong encoding.'
  }
}

function tooDeep(pointer: string): Violation {
  return {
    pointer,
    expected: `at most ${maximumDepth} levels of nesting`,
    found: 'more',
    message: 'No document of this API is nested so deeply.'
  }
}
