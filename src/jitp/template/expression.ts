import { certificateIdParameter } from './certificate-parameter.ts'

/** A text in a template: written out, or made when a device is provisioned. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: string; readonly pointer: string }
  | { readonly kind: 'ref'; readonly name: string; readonly pointer: string }
  | {
      readonly kind: 'join'
      readonly delimiter: string
      readonly list: ListExpression
      readonly pointer: string
    }
  | {
      readonly kind: 'select'
      readonly index: Expression
      readonly list: ListExpression
      readonly pointer: string
    }
  | {
      readonly kind: 'find-in-map'
      readonly map: string
      readonly top: Expression
      readonly second: Expression
      readonly pointer: string
    }
  | {
      readonly kind: 'sub'
      readonly pieces: readonly Expression[]
      /** What is bound to names that the text does not have: it is evaluated, and its value goes nowhere. */
      readonly unused: readonly Expression[]
      readonly pointer: string
    }

export type ListExpression =
  | { readonly kind: 'list'; readonly items: readonly Expression[]; readonly pointer: string }
  | {
      readonly kind: 'split'
      readonly delimiter: string
      readonly source: Expression
      readonly pointer: string
    }

/** An index of Fn::Select: AWS documents no other way to write one, and no body has room for a longer list. */
export const indexPattern = /^(?:0|[1-9][0-9]{0,3})$/

/**
 * What an expression is made from, itself first, each part once: a value that Fn::Sub binds to a name is one part,
 * however often the name stands in the text. Time is linear in the template's text.
 */
export function partsOf(expression: Expression | ListExpression): readonly (Expression | ListExpression)[] {
  const parts = new Set<Expression | ListExpression>()
  const waiting = [expression]
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (parts.has(part)) continue
    parts.add(part)
    for (const inner of directPartsOf(part).toReversed()) waiting.push(inner)
  }
  return [...parts]
}

/** The parameters that an expression refers to, each once. */
export function parametersOf(expression: Expression | ListExpression): readonly string[] {
  const names = new Set<string>()
  for (const part of partsOf(expression)) if (part.kind === 'ref') names.add(part.name)
  return [...names]
}

/** The parts that an expression is put together from, as often as they stand in it, and those that go nowhere. */
export function directPartsOf(
  expression: Expression | ListExpression
): readonly (Expression | ListExpression)[] {
  switch (expression.kind) {
    case 'literal':
    case 'ref':
      return []
    case 'join':
      return [expression.list]
    case 'select':
      return [expression.index, expression.list]
    case 'find-in-map':
      return [expression.top, expression.second]
    case 'sub':
      return [...expression.pieces, ...expression.unused]
    case 'list':
      return expression.items
    case 'split':
      return [expression.source]
  }
}

type Part<Kind> = Extract<Expression | ListExpression, { kind: Kind }>

/**
 * The parameters that what an expression makes depends on, each once. Of a list from which one item is taken by a number
 * that is written out, they are those of that item alone; of a text that is split, those that can be in the item. What is
 * bound to a name that Fn::Sub does not use is not among them. None is left out; one that is named might make no difference
 * where what certificates carry decides about it.
 */
export function visibleParametersOf(expression: Expression | ListExpression): readonly string[] {
  const names = new Set<string>()
  const seen = new Set<Expression | ListExpression>()
  const waiting = [expression]
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (seen.has(part)) continue
    seen.add(part)
    if (part.kind === 'ref') names.add(part.name)
    waiting.push(...visiblePartsOf(part))
  }
  return [...names]
}

function visiblePartsOf(part: Expression | ListExpression): readonly (Expression | ListExpression)[] {
  if (part.kind === 'sub') return part.pieces
  if (part.kind !== 'select' || part.index.kind !== 'literal') return directPartsOf(part)
  const index = Number(part.index.value)
  if (part.list.kind === 'split') return partsInItem(part.list, index)
  const item = part.list.items[index]
  return item === undefined ? [] : [item]
}

/** The parts of the source that can be in one item of what it is split into. */
function partsInItem({ source, delimiter }: Part<'split'>, index: number): readonly Expression[] {
  const run = runOf(source)
  if (run === undefined) return [source]
  const inItem: Expression[] = []
  // How many items can be complete before the part: at least, at most.
  let least = 0
  let most = 0
  for (const part of run) {
    const { fewest, highest } = delimitersIn(part, delimiter)
    if (index >= least && index <= most + highest) inItem.push(part)
    least += fewest
    most += highest
  }
  return inItem
}

/**
 * How often a part of a text separates items. The check refuses delimiters with hexadecimal digits, so that the certificate
 * id has none of it. A delimiter of several characters may begin or end in what comes from elsewhere.
 */
function delimitersIn(part: Expression, delimiter: string): { fewest: number; highest: number } {
  if (part.kind === 'ref' && part.name === certificateIdParameter) return { fewest: 0, highest: 0 }
  if (part.kind !== 'literal') return { fewest: 0, highest: Number.POSITIVE_INFINITY }
  const count = part.value.split(delimiter).length - 1
  return delimiter.length === 1 ? { fewest: count, highest: count } : { fewest: 0, highest: count + 1 }
}

/** More parts than a text of the permitted length has; only empty ones could be more. */
const longestRun = 2_000

/**
 * The texts and references that stand one after another in what an expression makes, others as they are. Undefined where
 * there are too many.
 */
function runOf(source: Expression): readonly Expression[] | undefined {
  const run: Expression[] = []
  const waiting = [source]
  for (let steps = 0; waiting.length > 0; steps += 1) {
    if (steps > longestRun) return undefined
    const part = waiting.pop()
    if (part?.kind === 'sub') waiting.push(...part.pieces.toReversed())
    else if (part?.kind === 'join' && part.list.kind === 'list')
      waiting.push(...joinedPartsOf(part).toReversed())
    else if (part !== undefined) run.push(part)
  }
  return run
}

function joinedPartsOf({ delimiter, list, pointer }: Part<'join'>): readonly Expression[] {
  const items = list.kind === 'list' ? list.items : []
  const between: Expression = { kind: 'literal', value: delimiter, pointer }
  return items.flatMap((item, index) => (index === 0 ? [item] : [between, item]))
}
