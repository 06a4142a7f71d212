import type { Violation } from '../../../errors/mintline-error.ts'
import { lintFailed } from '../../certificate/lint.ts'
import { compareOctets, isEqual } from '../../der/octets.ts'
import { createDerRefusal, DerReader } from '../../der/reader.ts'
import { contextConstructed, tags } from '../../der/tag.ts'
import { parseTime, timeTagOf } from '../../der/time.ts'
import { signatureAlgorithmDer } from '../../key/signature-algorithm.ts'
import { reasonCodes } from '../reason.ts'
import { entryExtensionOids } from './entries.ts'
import {
  encodeDeltaIndicator,
  encodeFreshestCrl,
  encodeIssuingDistributionPoint,
  listExtensionOids,
  type ListHead
} from './tbs-cert-list.ts'

/** What the bytes must say, and nothing else. */
export interface ListExpectation extends ListHead {
  readonly entries: number
  /** Those of `entries` that are neither on hold nor put back into use. */
  readonly finalEntries: number
}

const refuse = createDerRefusal('lint_failed', 'CRL')
/** Some milliseconds' worth. */
const entriesAtOnce = 1_000
/** `unspecified` is left out. */
const writtenCodes: ReadonlySet<number> = new Set(
  Object.values(reasonCodes).filter(code => code !== reasonCodes.unspecified)
)

/**
 * Holds a TBSCertList that is about to be signed against what it was made of and RFC 5280 §5. It gives way after each
 * thousand entries: who calls it decides what comes in between.
 *
 * @throws MintlineError `lint_failed`.
 */
export function* lintTbsCertList(tbsDer: Uint8Array, expected: ListExpectation): Generator<void, void> {
  const outer = new DerReader(tbsDer, refuse)
  const tbs = outer.readSequence('tbsCertList')
  outer.assertEnd('tbsCertList')
  demand('version', tbs.readSmallInteger('the version') === 1, 'version 2')
  const algorithm = tbs.encoding(tbs.readTagged(tags.sequence, 'the signature algorithm'))
  demand(
    'algorithm',
    isEqual(algorithm, signatureAlgorithmDer(expected.signatureAlgorithm)),
    "the issuer's algorithm"
  )
  const issuer = tbs.encoding(tbs.readTagged(tags.sequence, 'the issuer'))
  demand('issuer', isEqual(issuer, expected.issuerNameDer), "the issuer's name as it encodes it")
  assertTime(tbs, 'thisUpdate', expected.thisUpdate)
  assertTime(tbs, 'nextUpdate', expected.nextUpdate)
  demand('period', expected.thisUpdate < expected.nextUpdate, 'nextUpdate after thisUpdate')
  demand(
    'entries',
    (tbs.peekTag() === tags.sequence) === expected.entries > 0,
    'a list of entries where there are any'
  )
  if (expected.entries > 0) yield* lintEntries(tbs.readSequence('revokedCertificates'), expected)
  lintExtensions(tbs, expected)
  tbs.assertEnd('tbsCertList')
}

function* lintEntries(list: DerReader, expected: ListExpectation): Generator<void, void> {
  let before: Uint8Array | undefined
  let entries = 0
  let passing = 0
  while (!list.isAtEnd) {
    const entry = list.readSequence('an entry')
    const serialNumber = entry.readInteger('a serial number')
    const isPositive = (serialNumber[0] as number) < 0x80 && serialNumber.length <= 20
    demand('serial', isPositive, 'a positive serial number of 20 octets at most')
    demand(
      'order',
      before === undefined || compareOctets(before, serialNumber) < 0,
      'each serial number once, ascending'
    )
    before = serialNumber
    const { date, tag } = parseTime(entry, 'a revocation date')
    demand('time', tag === timeTagOf(date), 'UTCTime through 2049, GeneralizedTime from 2050')
    const code = entry.isAtEnd ? undefined : lintEntryExtensions(entry)
    // Of what is put back into use a complete CRL says nothing (RFC 5280 §5.3.1).
    const isRemoved = code === reasonCodes.removeFromCRL
    demand('reason', !isRemoved || expected.baseNumber !== undefined, 'removeFromCRL in a delta alone')
    if (isRemoved || code === reasonCodes.certificateHold) passing += 1
    entries += 1
    if (entries % entriesAtOnce === 0) yield
  }
  demand('entries', entries === expected.entries, `${expected.entries} entries`)
  demand(
    'entries',
    entries - passing === expected.finalEntries,
    `${expected.finalEntries} entries that are for good`
  )
}

/** @returns the reasonCode. */
function lintEntryExtensions(entry: DerReader): number | undefined {
  const list = entry.readSequence('the extensions of an entry')
  entry.assertEnd('an entry')
  let code: number | undefined
  const oids: string[] = []
  while (!list.isAtEnd) {
    const extension = list.readSequence('an extension')
    oids.push(extension.readObjectIdentifier('an extension type'))
    const value = extension.enterOctetString('an extension value')
    extension.assertEnd('an extension')
    if (oids.at(-1) === entryExtensionOids.reasonCode) {
      const element = value.readTagged(enumerated, 'a reason')
      code = value.content(element)[0]
      demand('reason', element.end - element.contentStart === 1 && writtenCodes.has(code!), 'a CRLReason')
    } else
      demand(
        'invalidityDate',
        parseTime(value, 'an invalidity date').tag === tags.generalizedTime,
        'GeneralizedTime'
      )
    value.assertEnd('an extension value')
  }
  const isKnown = ['reasonCode', 'invalidityDate', 'reasonCode,invalidityDate'].some(
    names =>
      names
        .split(',')
        .map(name => entryExtensionOids[name as keyof typeof entryExtensionOids])
        .join() === oids.join()
  )
  demand('entryExtensions', isKnown, 'a reasonCode and an invalidityDate, each once')
  return code
}

const enumerated = 0x0a

function lintExtensions(tbs: DerReader, expected: ListExpectation): void {
  const { authorityKeyIdentifier, number, keepsExpiredSince } = expected
  demand('extensions', tbs.peekTag() === contextConstructed(0), 'extensions')
  const outer = tbs.enter(tbs.readElement('the extensions'))
  const list = outer.readSequence('the extensions')
  outer.assertEnd('the extensions')
  const next = (oid: string): DerReader => {
    const extension = list.readSequence('an extension')
    demand(
      'extensions',
      extension.readObjectIdentifier('an extension type') === oid,
      `the extension ${oid} here`
    )
    // A criticality would stand here: none of these is.
    const value = extension.enterOctetString('an extension value')
    extension.assertEnd('an extension')
    return value
  }
  const keyIdentifier = next(listExtensionOids.authorityKeyIdentifier).readSequence('authorityKeyIdentifier')
  const member = keyIdentifier.readElement('keyIdentifier')
  const isOwn = member.tag === 0x80 && isEqual(keyIdentifier.content(member), authorityKeyIdentifier)
  demand('authorityKeyIdentifier', isOwn && keyIdentifier.isAtEnd, "the issuer's SubjectKeyIdentifier")
  const value = next(listExtensionOids.cRLNumber).readUnsignedInteger('cRLNumber')
  demand(
    'number',
    value.reduce((sum, octet) => sum * 256 + octet, 0) === number && number > 0,
    `the number ${number}`
  )
  lintScope(list, expected)
  const since = parseTime(next(listExtensionOids.expiredCertsOnCRL), 'expiredCertsOnCRL')
  demand('expiredCertsOnCRL', isSameSecond(since.date, keepsExpiredSince), keepsExpiredSince.toISOString())
  list.assertEnd('the extensions')
}

/** Which certificates it is of, and what of them it tells. */
function lintScope(
  list: DerReader,
  { number, baseNumber, distributionPoint, freshestCrl }: ListExpectation
): void {
  const isNext = (der: Uint8Array) =>
    isEqual(list.encoding(list.readTagged(tags.sequence, 'an extension')), der)
  if (baseNumber !== undefined) {
    const isOfBase = isNext(encodeDeltaIndicator(baseNumber)) && baseNumber > 0 && baseNumber < number
    demand('deltaCRLIndicator', isOfBase, `the base ${baseNumber}, below its own number, critical`)
  }
  if (distributionPoint !== undefined) {
    const isNamed = isNext(encodeIssuingDistributionPoint(distributionPoint)) && distributionPoint.length > 0
    demand('issuingDistributionPoint', isNamed, `the addresses ${distributionPoint.join(', ')}, critical`)
  }
  if (freshestCrl !== undefined) {
    const isNamed = isNext(encodeFreshestCrl(freshestCrl)) && baseNumber === undefined
    demand('freshestCRL', isNamed, `the address ${freshestCrl}, and no delta`)
  }
}

function assertTime(tbs: DerReader, name: 'thisUpdate' | 'nextUpdate', expected: Date): void {
  const { date, tag } = parseTime(tbs, name)
  demand(name, isSameSecond(date, expected) && tag === timeTagOf(expected), expected.toISOString())
}

function isSameSecond(date: Date, other: Date): boolean {
  return date.getTime() === Math.floor(other.getTime() / 1000) * 1000
}

function demand(check: string, holds: boolean, expected: string): void {
  if (holds) return
  const violation: Violation = {
    pointer: `/lint/${check}`,
    expected,
    found: 'something else',
    message: `RFC 5280, section 5: expected ${expected}.`
  }
  throw lintFailed([violation])
}
