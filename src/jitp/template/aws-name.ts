/** A kind of text that AWS IoT accepts in a closed alphabet and up to a length. */
export interface AwsName {
  /** As it appears after "AWS" in a message. */
  readonly plural: string
  readonly alphabet: RegExp
  readonly allowed: string
  readonly minimumLength: number
  readonly maximumLength: number
}

const thingAlphabet = /^[a-zA-Z0-9:_-]*$/
const thingAllowed = 'letters, digits, `:` `_` `-`'

function thingLike(plural: string): AwsName {
  return { plural, alphabet: thingAlphabet, allowed: thingAllowed, minimumLength: 1, maximumLength: 128 }
}

export const thingName = thingLike('thing names')
export const thingTypeName = thingLike('thing type names')
export const thingGroupName = thingLike('thing group names')
export const billingGroupName = thingLike('billing group names')
export const attributeName: AwsName = {
  plural: 'attribute names',
  alphabet: /^[a-zA-Z0-9_.,@/:#-]*$/,
  allowed: 'letters, digits, `_` `.` `,` `@` `/` `:` `#` `-`',
  minimumLength: 1,
  maximumLength: 128
}
export const attributeValue: AwsName = {
  plural: 'attribute values',
  alphabet: /^[a-zA-Z0-9_.,@/:#=[\]-]*$/,
  allowed: 'letters, digits, `_` `.` `,` `@` `/` `:` `#` `=` `[` `]` `-`',
  minimumLength: 0,
  maximumLength: 800
}
export const policyName: AwsName = {
  plural: 'policy names',
  alphabet: /^[\w+=,.@-]*$/,
  allowed: 'letters, digits, `_` `+` `=` `,` `.` `@` `-`',
  minimumLength: 1,
  maximumLength: 128
}

/** What the operator reads: what is wrong with the value, and what AWS allows. Undefined if it is fine. */
export interface NameProblem {
  readonly found: string
  readonly rule: string
}

export function findNameProblem(kind: AwsName, value: string): NameProblem | undefined {
  if (!kind.alphabet.test(value)) {
    return { found: describeForeign(kind, value), rule: `AWS ${kind.plural} allow ${kind.allowed}` }
  }
  const length = value.length
  if (length >= kind.minimumLength && length <= kind.maximumLength) return undefined
  const found = length === 0 ? 'is empty' : `has ${length} characters`
  return { found, rule: `AWS ${kind.plural} have ${kind.minimumLength} to ${kind.maximumLength}` }
}

/** For the `expected` of a finding. */
export function describeName(kind: AwsName): string {
  return `${kind.minimumLength} to ${kind.maximumLength} of ${kind.allowed}`
}

function describeForeign(kind: AwsName, value: string): string {
  for (const character of value) {
    if (!kind.alphabet.test(character)) return `has ${nameCharacter(character)}`
  }
  return 'has a character outside the alphabet'
}

/** Names a character so that it can be found on a keyboard or in a text: a space, `.`, é (U+00E9). */
export function nameCharacter(character: string): string {
  if (character === ' ') return 'a space'
  if (character === '\t') return 'a tab'
  if (character === '\n' || character === '\r') return 'a line break'
  if (character > ' ' && character <= '~') return character === '`' ? 'a backtick' : `\`${character}\``
  const codePoint = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? `\`${character}\` (U+${codePoint})` : `U+${codePoint}`
}
