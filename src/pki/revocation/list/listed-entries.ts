import type { DerRefusal } from '../../der/reader.ts'
import { DerReader } from '../../der/reader.ts'
import { tags } from '../../der/tag.ts'
import { parseTime } from '../../der/time.ts'
import { entryExtensionOids } from './entries.ts'

/** An entry of a TBSCertList, of which no more than its serial number has been read. Byte arrays are views. */
export interface ListedEntry {
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly der: Uint8Array
}

/** What an entry says. */
export interface ListedRevocation {
  readonly revocationDate: Date
  /** The CRLReason's number; undefined where none is told. */
  readonly reasonCode: number | undefined
  readonly invalidityDate: Date | undefined
}

interface Header {
  readonly tag: number
  readonly contentStart: number
  readonly end: number
}

const enumerated = 0x0a
/** Of the elements before the entries: version, algorithm, issuer, thisUpdate and nextUpdate. */
const elementsBefore = 5

/**
 * The entries of a TBSCertList that comes in parts, some at a time and in their order. The first part has what stands before
 * them. What is no such list is refused by `refuse`.
 *
 * @throws what `refuse` makes.
 */
export async function* readListedEntries(
  parts: AsyncIterable<Uint8Array>,
  refuse: DerRefusal
): AsyncGenerator<readonly ListedEntry[], void> {
  let rest: Uint8Array = new Uint8Array()
  let left: number | undefined
  for await (const part of parts) {
    const octets = rest.length === 0 ? part : join(rest, part)
    let offset = 0
    if (left === undefined) {
      const entries = findEntries(octets, refuse)
      offset = entries.contentStart
      left = entries.end - offset
    }
    const found: ListedEntry[] = []
    for (;;) {
      const end = left === 0 ? undefined : endOfEntry(octets, offset)
      if (end === undefined || end > octets.length) break
      if (end - offset > left) throw refuse('an entry goes beyond the list of them', offset)
      found.push(readEntry(octets.subarray(offset, end), refuse))
      left -= end - offset
      offset = end
    }
    rest = left === 0 ? rest.subarray(0, 0) : octets.subarray(offset)
    yield found
  }
  if (left !== 0) throw refuse('the list ends within its entries', 0)
}

/** @throws what `refuse` makes. */
export function parseListedEntry({ der }: ListedEntry, refuse: DerRefusal): ListedRevocation {
  const entry = new DerReader(der, refuse).readSequence('an entry')
  entry.readInteger('a serial number')
  const revocationDate = parseTime(entry, 'a revocation date').date
  let reasonCode: number | undefined
  let invalidityDate: Date | undefined
  const extensions = entry.isAtEnd ? undefined : entry.readSequence('the extensions of an entry')
  while (extensions?.isAtEnd === false) {
    const extension = extensions.readSequence('an extension')
    const oid = extension.readObjectIdentifier('an extension type')
    const value = extension.enterOctetString('an extension value')
    if (oid === entryExtensionOids.reasonCode)
      reasonCode = value.content(value.readTagged(enumerated, 'a reason'))[0]
    else if (oid === entryExtensionOids.invalidityDate)
      invalidityDate = parseTime(value, 'an invalidity date').date
  }
  return { revocationDate, reasonCode, invalidityDate }
}

/** Where the entries stand; of nothing where there are none. */
function findEntries(octets: Uint8Array, refuse: DerRefusal): Pick<Header, 'contentStart' | 'end'> {
  let { contentStart: offset } = readHeader(octets, 0, refuse)
  for (let passed = 0; passed < elementsBefore; passed++) offset = readHeader(octets, offset, refuse).end
  const next = readHeader(octets, offset, refuse)
  return next.tag === tags.sequence ? next : { contentStart: offset, end: offset }
}

function readHeader(octets: Uint8Array, offset: number, refuse: DerRefusal): Header {
  const [tag, first] = [octets[offset], octets[offset + 1]]
  const lengthOctets = first === undefined || first < 0x80 ? 0 : first - 0x80
  const contentStart = offset + 2 + lengthOctets
  if (tag === undefined || first === undefined || lengthOctets > 4 || contentStart > octets.length)
    throw refuse('a header is missing, or too long', offset)
  let length = lengthOctets === 0 ? first : 0
  for (const octet of octets.subarray(offset + 2, contentStart)) length = length * 256 + octet
  return { tag, contentStart, end: contentStart + length }
}

/** No entry that is written here takes more than one octet for its length. Undefined where that is still to come. */
function endOfEntry(octets: Uint8Array, offset: number): number | undefined {
  const length = octets[offset + 1]
  return length === undefined ? undefined : offset + 2 + length
}

function readEntry(der: Uint8Array, refuse: DerRefusal): ListedEntry {
  const serialOctets = der[3] ?? 0
  const isEntry = der[0] === tags.sequence && der[1]! < 0x80 && der[2] === tags.integer
  if (!isEntry || serialOctets === 0 || 4 + serialOctets > der.length) throw refuse('no entry stands here', 0)
  return { serialNumber: der.subarray(4, 4 + serialOctets), der }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length)
  joined.set(first)
  joined.set(second, first.length)
  return joined
}
