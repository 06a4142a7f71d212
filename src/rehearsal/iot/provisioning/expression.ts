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

/** Whether an object asks for a value instead of being one. */
export function isCall(value: unknown): value is JsonObject {
  return isObject(value) && Object.keys(value).some(name => name === 'Ref' || name.startsWith('Fn::'))
}

/** Throws `InvalidRequestException` where the expression is not one string in the end. */
export function evaluateText(expression: Expression, scope: ExpressionScope, what: string): string {
  if (typeof expression === 'string') return expression
  const value = isCall(expression) ? call(expression, scope) : undefined
  return typeof value === 'string' ? value : refuse(`${what} must be a string`)
}

/** Throws `InvalidRequestException` where the expression is not a list of strings in the end. */
export function evaluateList(
  expression: Expression,
  scope: ExpressionScope,
  what: string
): readonly string[] {
  if (Array.isArray(expression)) return expression.map(item => evaluateText(item, scope, `Each of ${what}`))
  const value = isCall(expression) ? call(expression, scope) : undefined
  return Array.isArray(value) ? (value as readonly string[]) : refuse(`${what} must be a list of strings`)
}

/** Throws `InvalidRequestException` where the expression is not an object of strings; the object itself is written out. */
export function evaluateObject(
  expression: Expression,
  scope: ExpressionScope,
  what: string
): Readonly<Record<string, string>> {
  if (!isObject(expression) || isCall(expression)) return refuse(`${what} must be an object`)
  return Object.fromEntries(
    Object.entries(expression).map(([name, value]) => [name, evaluateText(value, scope, `${what} ${name}`)])
  )
}

function call(expression: JsonObject, scope: ExpressionScope): unknown {
  const [[name, argument] = ['', undefined], ...others] = Object.entries(expression)
  if (others.length > 0) return refuse(`${name} stands beside ${others.map(([other]) => other).join(', ')}`)
  if (name === 'Ref') return resolveReference(argument, scope)
  if (scope.intrinsicFunctions === 'refuse') return refuse(`${name} is not documented for this template`)
  const implementation = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (implementation === undefined) return refuse(`there is no function ${name}`)
  return implementation(argument, scope) ?? refuse(`the arguments of ${name} do not fit`)
}

function resolveReference(name: unknown, { values }: Pick<ExpressionScope, 'values'>): string {
  const value = typeof name === 'string' ? values.get(name) : undefined
  return value ?? refuse(`Cannot resolve reference value: {Ref=${String(name)}}`)
}

type IntrinsicFunction = (argument: unknown, scope: ExpressionScope) => unknown

/**
 * Undefined where the arguments do not fit: their number is exact, and what AWS asks to be a string (delimiters, the text
 * of Fn::Sub, the name of a map) is one that is written out.
 */
const functions: Readonly<Record<string, IntrinsicFunction>> = {
  'Fn::Join': (argument, scope) => {
    const [delimiter, items] = listOf(argument, 2)
    if (typeof delimiter !== 'string') return undefined
    const texts = evaluateList(items, scope, 'the values of Fn::Join')
    assertLength(texts.flatMap(text => [text, delimiter]))
    return texts.join(delimiter)
  },
  'Fn::Split': (argument, scope) => {
    const [delimiter, source] = listOf(argument, 2)
    if (typeof delimiter !== 'string' || delimiter === '') return undefined
    return evaluateText(source, scope, 'the source of Fn::Split').split(delimiter)
  },
  'Fn::Select': (argument, scope) => {
    const [position, items] = listOf(argument, 2)
    const index = evaluateText(
      typeof position === 'number' ? String(position) : position,
      scope,
      'the index of Fn::Select'
    )
    const texts = evaluateList(items, scope, 'the list of Fn::Select')
    return /^(?:0|[1-9]\d*)$/.test(index) ? texts[Number(index)] : undefined
  },
  'Fn::FindInMap': (argument, scope) => {
    const [map, ...keys] = listOf(argument, 3)
    if (typeof map !== 'string') return undefined
    let found: unknown = scope.mappings
    for (const key of [map, ...keys.map(each => evaluateText(each, scope, 'a key of Fn::FindInMap'))])
      found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined
    return found
  },
  'Fn::Sub': (argument, scope) => {
    const [text, variables] = typeof argument === 'string' ? [argument, {}] : listOf(argument, 2)
    if (typeof text !== 'string' || !isObject(variables)) return undefined
    const bound = new Map(
      Object.entries(variables).map(([name, value]) => [name, evaluateText(value, scope, `\${${name}}`)])
    )
    const pieces = text.split(/\$\{([\w.:-]+)\}/)
    if (pieces.some((piece, index) => index % 2 === 0 && piece.includes('${'))) return undefined
    const texts = pieces.map((piece, index) =>
      index % 2 === 0 ? piece : (bound.get(piece) ?? resolveReference(piece, scope))
    )
    assertLength(texts)
    return texts.join('')
  }
}

/** The items of a list that has so many, else none. */
function listOf(value: unknown, length: number): readonly unknown[] {
  return Array.isArray(value) && value.length === length ? value : []
}

/** Functions within functions multiply: a text has at most what a whole template body has. */
function assertLength(pieces: readonly string[]): void {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (length > longestText) refuse(`a function makes ${length} characters; at most ${longestText} are made`)
}

const longestText = 10_240

function refuse(reason: string): never {
  throw new IotRefusal('InvalidRequestException', `Invalid registration template. ${reason}.`)
}
