import { isPolicyVariable, isThingVariable } from '../reference/policy-variables.ts'

/**
 * What stands at one place of a resource: a character, any one character, any digit, any run of characters (without a
 * colon), or the value of a policy variable.
 */
export type Token =
  | { readonly kind: 'character'; readonly value: string }
  | { readonly kind: 'one' | 'digit' | 'run' | 'part' }
  | { readonly kind: 'variable'; readonly name: string }

export type Pattern = readonly Token[]

/** Steps that may still be taken to compare patterns: what is not decided by then is not known. */
export interface Effort {
  steps: number
}

export function createEffort(): Effort {
  return { steps: 1_000_000 }
}

export interface VariableUse {
  readonly name: string
  /** UTF-16 code unit of the text at which `${` stands. */
  readonly index: number
  /** Behind the closing brace; the end of the text where there is none. */
  readonly end: number
  readonly isClosed: boolean
}

/** Every `${…}` of a text of a policy, in order; `${*}`, `${?}` and `${$}` are these characters and not among them. */
export function variablesOf(text: string): readonly VariableUse[] {
  const uses: VariableUse[] = []
  for (let index = text.indexOf('${'); index >= 0;) {
    const close = text.indexOf('}', index)
    const isClosed = close >= 0
    const end = isClosed ? close + 1 : text.length
    const inside = text.slice(index + 2, isClosed ? close : text.length)
    // What follows a comma is a default.
    const name = inside.split(',', 1)[0]?.trim() ?? ''
    if (!isClosed || !['*', '?', '$'].includes(inside)) uses.push({ name, index, end, isClosed })
    index = text.indexOf('${', end)
  }
  return uses
}

/** Reads what a policy matches resources with. A placeholder such as `<REGION>` may become anything. */
export function parsePattern(text: string): Pattern {
  const tokens: Token[] = []
  const matcher = /\$\{([^}]*)\}|<[A-Za-z][A-Za-z0-9 _-]{0,60}>|[^]/g
  for (const [part, inside] of text.matchAll(matcher)) {
    if (part.startsWith('<') && part.length > 1) tokens.push({ kind: 'run' })
    else if (inside !== undefined && ['*', '?', '$'].includes(inside))
      tokens.push({ kind: 'character', value: inside })
    else if (inside !== undefined)
      tokens.push({ kind: 'variable', name: inside.split(',', 1)[0]?.trim() ?? '' })
    else if (part === '*') tokens.push({ kind: 'run' })
    else if (part === '?') tokens.push({ kind: 'one' })
    else tokens.push({ kind: 'character', value: part })
  }
  return tokens
}

export function literalPattern(text: string): Pattern {
  return [...text].flatMap(character =>
    Array.from(character, value => ({ kind: 'character' as const, value }))
  )
}

/**
 * Whether the pattern has a variable that no device fills: its text is then compared as it is written. Names with the
 * prefix of AWS IoT that its guide does not list are in some of its examples, and left open.
 */
export function isNeverFilled(pattern: Pattern, hasThing: boolean): boolean {
  return pattern.some(
    token =>
      token.kind === 'variable' &&
      (isThingVariable(token.name)
        ? !hasThing
        : !isPolicyVariable(token.name) && !token.name.toLowerCase().startsWith('iot:'))
  )
}

/** Whether some text matches both. Undefined where that takes more steps than there are. */
export function overlaps(one: Pattern, other: Pattern, effort: Effort): boolean | undefined {
  // At each number of tokens of `other`, whether these can match what the tokens of `one` so far do.
  let reached = new Uint8Array(other.length + 1)
  let next = new Uint8Array(other.length + 1)
  let window: Window = { first: 0, last: 0 }
  reached[0] = 1
  window = { first: 0, last: skipRuns(reached, other, window) }
  for (const token of one) {
    effort.steps -= window.last - window.first + 1 + other.length / 64
    if (effort.steps < 0) return undefined
    next.fill(0)
    const found = step({ token, other, window }, reached, next)
    if (found === undefined) return false
    window = found
    ;[reached, next] = [next, reached]
  }
  return reached[other.length] === 1
}

/** The first and the last that are reached: what lies outside need not be looked at. */
interface Window {
  readonly first: number
  readonly last: number
}

interface Step {
  readonly token: Token
  readonly other: Pattern
  readonly window: Window
}

/** One more token, which stands beside a run of the other pattern or takes the place of its next tokens. */
function step({ token, other, window }: Step, reached: Uint8Array, next: Uint8Array): Window | undefined {
  const isRunning = isRun(token)
  const from = isRunning ? next : reached
  let last = -1
  for (let index = window.first; index <= Math.max(window.last, last); index++) {
    if (isRunning && reached[index] === 1) next[index] = 1
    const facing = other[index]
    if (from[index] !== 1) continue
    if (isRunning) last = Math.max(last, index)
    if (facing === undefined || !meets(token, facing)) continue
    // Of two runs that face each other, either may end here.
    const to = isRun(facing) && !isRunning ? index : index + 1
    next[to] = 1
    last = Math.max(last, to)
  }
  if (last < 0) return undefined
  const first = next.indexOf(1, window.first)
  return { first, last: skipRuns(next, other, { first, last }) }
}

/** A run may stand for nothing. Answers the last that is reached. */
function skipRuns(reached: Uint8Array, pattern: Pattern, { first, last }: Window): number {
  let end = last
  for (let index = first; index <= end; index++) {
    const token = pattern[index]
    if (reached[index] !== 1 || token === undefined || !isRun(token)) continue
    reached[index + 1] = 1
    end = Math.max(end, index + 1)
  }
  return end
}

/** A variable may have any value, for all that is known here. */
function isRun({ kind }: Token): boolean {
  return kind === 'run' || kind === 'part' || kind === 'variable'
}

function meets(one: Token, other: Token): boolean {
  if (one.kind === 'character' && other.kind === 'character') return one.value === other.value
  return admits(one, other) && admits(other, one)
}

function admits({ kind }: Token, other: Token): boolean {
  if (other.kind !== 'character') return true
  if (kind === 'part') return other.value !== ':'
  if (kind === 'digit') return other.value >= '0' && other.value <= '9'
  return true
}

/**
 * Whether whatever matches `narrow` matches `wide`, as far as that can be told by comparing them place by place: a true
 * answer is certain. Undefined where that takes more steps than there are.
 */
export function covers(wide: Pattern, narrow: Pattern, effort: Effort): boolean | undefined {
  let [at, inNarrow] = [0, 0]
  // Where to go back to: behind the last run, which then takes one token more.
  let [afterRun, runEnd] = [-1, 0]
  while (inNarrow < narrow.length) {
    if (--effort.steps < 0) return undefined
    const token = wide[at]
    if (token?.kind === 'run') [afterRun, runEnd] = [++at, inNarrow]
    else if (token !== undefined && contains(token, narrow[inNarrow])) {
      at++
      inNarrow++
    } else if (afterRun >= 0) [at, inNarrow] = [afterRun, ++runEnd]
    else return false
  }
  while (wide[at]?.kind === 'run') at++
  return at === wide.length
}

function contains(wide: Token, narrow: Token | undefined): boolean {
  if (narrow === undefined) return false
  if (wide.kind === 'character') return narrow.kind === 'character' && narrow.value === wide.value
  if (wide.kind === 'one') return ['character', 'one', 'digit'].includes(narrow.kind)
  return wide.kind === 'variable' && narrow.kind === 'variable' && narrow.name === wide.name
}
