import { toHex } from '../der/octet-text.ts'
import type { Name, NameAttribute } from '../name/name.ts'

/** A Name in the form in which two are compared (RFC 5280 §7.1): one key for each RDN, in order. */
export interface ComparableName {
  /** By what every verifier takes for the same: letter case of ASCII, blanks and the string type do not matter. */
  readonly exact: readonly string[]
  /** By what some verifier may take for the same: besides, letter case of all scripts and compatibility forms. */
  readonly loose: readonly string[]
}

/** Blanks at the ends and doubled ones do not count. */
const blanks = /[\t-\r ]+/g

export function comparableName({ attributes }: Pick<Name, 'attributes'>): ComparableName {
  return {
    exact: rdnKeys(attributes, text => text.replaceAll(/[A-Z]/g, letter => letter.toLowerCase())),
    loose: rdnKeys(attributes, text => text.normalize('NFKC').toLowerCase())
  }
}

/** Whether the name is the base or lies below it (RFC 5280 §4.2.1.10). */
export function isBelow(name: readonly string[], base: readonly string[]): boolean {
  return base.length <= name.length && base.every((key, index) => key === name[index])
}

/** For messages, e.g. `Organization=Acme, CommonName=Acme Root`. */
export function describeName({ attributes }: Pick<Name, 'attributes'>): string {
  if (attributes.length === 0) return 'the empty name'
  const text = attributes.map(({ name, value, unreadable }) => `${name}=${unreadable ? '?' : value}`)
  return text.join(', ').slice(0, 300)
}

function rdnKeys(attributes: readonly NameAttribute[], fold: (text: string) => string): readonly string[] {
  const rdns: string[][] = []
  for (const attribute of attributes) {
    const key = attributeKey(attribute, fold)
    if (attribute.isJoined) rdns.at(-1)!.push(key)
    else rdns.push([key])
  }
  return rdns.map(keys => keys.toSorted().join('+'))
}

/** What is no text is the same as its own octets alone. */
function attributeKey(
  { oid, value, tag, unreadable }: NameAttribute,
  fold: (text: string) => string
): string {
  if (unreadable !== undefined) return `${oid}#${tag}#${toHex(unreadable.octets)}`
  return JSON.stringify([oid, fold(value).replaceAll(blanks, ' ').trim()])
}
