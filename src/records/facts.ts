import type { Columns, OrNull, Row, Unmade, ValueOf } from '../database/column.ts'
import { isMintlineError } from '../errors/mintline-error.ts'
import { parseTbsCertificate, type TbsCertificate } from '../pki/certificate/certificate.ts'
import { toHex } from '../pki/der/octet-text.ts'
import {
  type holdFacts,
  purgeFacts,
  type releaseFacts,
  type revocationFacts,
  type scrapFacts,
  type supersessionFacts,
  voidFacts
} from './acts/act-model.ts'
import {
  certificateFacts,
  intentFacts,
  type IntentRow,
  type IssuedRow,
  refusalFacts,
  type RefusalRow,
  type StoredRefusal,
  type VoidRow
} from './record-model.ts'

type Fact<Value> = Value extends Uint8Array ? string : Value

/** What columns hold, as it is told: bytes as lower-case hexadecimal. */
type FactsOf<Of extends Columns> = { readonly [Name in keyof Of]: Fact<ValueOf<Of[Name]>> }

/** What the TBSCertificate says itself. */
export type CertificateContent = Pick<TbsCertificate, 'subject' | 'notBefore' | 'notAfter'>

export interface IntentFacts extends FactsOf<typeof intentFacts>, CertificateContent {
  /**
   * True where somebody changed the record in the database so that it cannot be read: what it cannot say is empty, and
   * its validity is its time.
   */
  readonly damaged?: true
  /** Id of the issuance of the same device in whose place it comes, if it does. */
  readonly supersedes?: string
}

export interface IssuedFacts extends IntentFacts, FactsOf<typeof certificateFacts> {}

export interface VoidFacts extends IntentFacts, FactsOf<typeof voidFacts> {}

export type ReleaseFacts = FactsOf<typeof releaseFacts>

export type ScrapFacts = FactsOf<typeof scrapFacts>

export type SupersessionFacts = FactsOf<typeof supersessionFacts>

export type RevocationFacts = FactsOf<typeof revocationFacts>

export type HoldFacts = FactsOf<typeof holdFacts>

export type RefusalFacts = FactsOf<typeof refusalFacts>

type PurgeFacts = FactsOf<typeof purgeFacts>

/** All of the purge is null while there is none. */
export type StoredRefusalFacts = RefusalFacts & OrNull<PurgeFacts>

/** @param tbs where it was read already. */
export function intentFactsOf(
  row: IntentRow,
  tbs: CertificateContent | undefined = readTbs(row)
): IntentFacts {
  if (tbs === undefined || row.profile === null || row.authority === null) return damagedFactsOf(row, tbs)
  const { subject, notBefore, notAfter } = tbs
  return { ...factsOf(intentFacts, row), subject, notBefore, notAfter, ...succession(row) }
}

function succession({ supersedes }: IntentRow): Pick<IntentFacts, 'supersedes'> {
  return typeof supersedes === 'string' ? { supersedes } : {}
}

/** What cannot be read hides neither the record nor its neighbours. */
function damagedFactsOf(row: IntentRow, tbs: CertificateContent | undefined): IntentFacts {
  const { createdAt } = row
  const { subject, notBefore, notAfter } = tbs ?? { subject: {}, notBefore: createdAt, notAfter: createdAt }
  const facts = factsOf(intentFacts, withoutNulls(row))
  return { ...facts, subject, notBefore, notAfter, ...succession(row), damaged: true }
}

/** Ids that lead nowhere have no names behind them. */
function withoutNulls(row: IntentRow) {
  return {
    ...row,
    profile: row.profile ?? '',
    profileVersion: row.profileVersion ?? 0,
    templateSha256: row.templateSha256 ?? '',
    authority: row.authority ?? ''
  }
}

/** Whether the profile version and the authority that the record names are there. */
export function namesItsRules({ profile, authority }: IntentFacts): boolean {
  return profile !== '' && authority !== ''
}

/** @param tbs where it was read already. */
export function issuedFactsOf(row: IssuedRow, tbs?: CertificateContent): IssuedFacts {
  return { ...intentFactsOf(row, tbs), ...factsOf(certificateFacts, row) }
}

export function voidFactsOf(row: VoidRow): VoidFacts {
  return { ...intentFactsOf(row), ...factsOf(voidFacts, row) }
}

export function refusalFactsOf(row: RefusalRow): RefusalFacts {
  return factsOf(refusalFacts, row)
}

export function storedRefusalFactsOf(row: StoredRefusal): StoredRefusalFacts {
  return { ...refusalFactsOf(row), ...factsOf(purgeFacts, row) }
}

/** What an act left on record, as far as there was one: each of its facts that must be there is. */
export function factsOfAct<Of extends Columns>(columns: Of, row: Unmade<Of>): FactsOf<Of> | undefined {
  for (const name in columns) if (row[name] === null && !columns[name]!.isNullable) return undefined
  return factsOf(columns, row) as FactsOf<Of>
}

/** As JSON has it. */
export type Told<Facts> = {
  readonly [Name in keyof Facts]: Exclude<Facts[Name], null> extends Date
    ? string | Extract<Facts[Name], null>
    : Facts[Name]
}

/** The form in which facts leave the service: times as RFC 3339. */
export function tell<Facts extends object>(facts: Facts): Told<Facts> {
  const told: Record<string, unknown> = {}
  for (const name in facts) {
    const value = facts[name]
    told[name] = value instanceof Date ? value.toISOString() : value
  }
  return told as Told<Facts>
}

/** Facts that are there. */
export type Present<Facts> = {
  readonly [Name in keyof Facts as null extends Facts[Name] ? never : Name]: Facts[Name]
} & {
  readonly [Name in keyof Facts as null extends Facts[Name] ? Name : never]?: NonNullable<Facts[Name]>
}

/** Of a refusal nothing is told that was not known yet. */
export function leaveOutNulls<Facts extends object>(facts: Facts): Present<Facts> {
  const present: { -readonly [Name in keyof Facts]?: unknown } = {}
  for (const name in facts) if (facts[name] !== null) present[name] = facts[name]
  return present as Present<Facts>
}

function factsOf<Of extends Columns>(columns: Of, row: Row<Of>): FactsOf<Of>
function factsOf<Of extends Columns>(columns: Of, row: Unmade<Of>): OrNull<FactsOf<Of>>
function factsOf(columns: Columns, row: Readonly<Record<string, unknown>>): object {
  const facts: Record<string, unknown> = {}
  for (const name in columns) {
    const value = row[name]
    facts[name] = value instanceof Uint8Array ? toHex(value) : value
  }
  return facts
}

/** Undefined where somebody changed it so that it cannot be read. */
export function readTbs({ tbsDer }: IntentRow): TbsCertificate | undefined {
  try {
    return parseTbsCertificate(tbsDer)
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return undefined
  }
}
