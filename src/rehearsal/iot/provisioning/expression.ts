import { IotRefusal } from '../iot-refusal.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** A value in a template: text, an intrinsic function, or a list or object of such. */
export type Expression = unknown

export interface ExpressionScope {
  /** The parameters that have a value. */
  readonly values: ReadonlyMap<string, string>
  readonly mappings: JsonObject
  readonly intrinsicFunctions: 'refuse' | 'evaluate'
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Throws `InvalidRequestException` where the expression is not one string in the end. */
export function evaluateText(expression: Expression, scope: ExpressionScope, what: string): string {
  const value = evaluate(expression, scope)
  return typeof value === 'string' ? value : refuse(`${what} must be a string`)
}

/** Throws `InvalidRequestException` where the expression is not a list of strings in the end. */
export function evaluateList(
  expression: Expression,
  scope: ExpressionScope,
  what: string
): readonly string[] {
  const value = evaluate(expression, scope)
  return Array.isArray(value) && value.every(item => typeof item === 'string')
    ? value
    : refuse(`${what} must be a list of strings`)
}

/**
 * Puts values in the place of `Ref` and, where the scope lets it, of `Fn::*`; everything else stays as it is.
 * Throws `InvalidRequestException`.
 */
export function evaluate(expression: Expression, scope: ExpressionScope): unknown {
  if (Array.isArray(expression)) return expression.map(item => evaluate(item, scope))
  if (!isObject(expression)) return expression
  const members = Object.entries(expression)
  const [name, argument] = members[0] ?? ['', undefined]
  if (members.length === 1 && name === 'Ref') return resolveReference(argument, scope)
  if (members.length === 1 && name.startsWith('Fn::')) return evaluateFunction(name, argument, scope)
  return Object.fromEntries(members.map(([key, value]) => [key, evaluate(value, scope)]))
}

function resolveReference(name: unknown, { values }: ExpressionScope): string {
  const value = typeof name === 'string' ? values.get(name) : undefined
  return value ?? refuse(`Cannot resolve reference value: {Ref=${String(name)}}`)
}

function evaluateFunction(name: string, argument: Expression, scope: ExpressionScope): unknown {
  if (scope.intrinsicFunctions === 'refuse') return refuse(`${name} is not documented for this template`)
  const implementation = functions[name]
  if (implementation === undefined) return refuse(`there is no function ${name}`)
  return implementation(evaluate(argument, scope), scope) ?? refuse(`the arguments of ${name} do not fit`)
}

type IntrinsicFunction = (argument: unknown, scope: ExpressionScope) => unknown

/** Undefined where the arguments do not fit. */
const functions: Readonly<Record<string, IntrinsicFunction>> = {
  'Fn::Join': argument => {
    const [delimiter, items] = asList(argument)
    if (typeof delimiter !== 'string' || !Array.isArray(items)) return undefined
    assertLength(items.flatMap(item => [String(item), delimiter]))
    return items.join(delimiter)
  },
  'Fn::Split': argument => {
    const [delimiter, text] = asList(argument)
    return typeof delimiter === 'string' && typeof text === 'string' ? text.split(delimiter) : undefined
  },
  'Fn::Select': argument => {
    const [index, items] = asList(argument)
    return /^\d+$/.test(String(index)) ? asList(items)[Number(index)] : undefined
  },
  'Fn::FindInMap': (argument, { mappings }) => {
    let found: unknown = mappings
    for (const key of asList(argument)) found = isObject(found) ? found[String(key)] : undefined
    return found
  },
  'Fn::Sub': (argument, { values }) => {
    const [text, local] = typeof argument === 'string' ? [argument, {}] : asList(argument)
    if (typeof text !== 'string' || !isObject(local)) return undefined
    const valueOf = (name: string) =>
      typeof local[name] === 'string' ? local[name] : resolveReference(name, { values } as ExpressionScope)
    const pieces = text
      .split(/\$\{([^}]+)\}/)
      .map((piece, index) => (index % 2 === 0 ? piece : valueOf(piece)))
    assertLength(pieces)
    return pieces.join('')
  }
}

/** Functions within functions multiply: a text has at most what a whole template body has. */
function assertLength(pieces: readonly string[]): void {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (length > longestText) refuse(`a function makes ${length} characters; at most ${longestText} are made`)
}

const longestText = 10_240
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function refuse(reason: string): never {
  throw new IotRefusal('InvalidRequestException', `Invalid registration template. ${reason}.`)
}
