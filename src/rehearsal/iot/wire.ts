import { IotRefusal } from './iot-refusal.ts'

/** The members of one part of a request, each asked for by its name and type. Throws `InvalidRequestException`. */
export interface Members {
  text(name: string, maximumLength?: number): string
  optionalText(name: string, maximumLength?: number): string | undefined
  /** False when it is absent. */
  flag(name: string): boolean
  optionalFlag(name: string): boolean | undefined
  optionalInteger(name: string, minimum: number, maximum: number): number | undefined
  optionalChoice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined
  optionalObject(name: string): Members | undefined
  optionalObjects(name: string): readonly Members[] | undefined
  optionalTexts(name: string): readonly string[] | undefined
  optionalTextMap(name: string): Readonly<Record<string, string>> | undefined
}

type Json = Readonly<Record<string, unknown>>

/** The members of a JSON body; an empty body has none. Throws `SerializationException` when it is no object. */
export function parseBody(body: string): Members {
  if (body === '') return createMembers({})
  try {
    const value: unknown = JSON.parse(body)
    if (isObject(value)) return createMembers(value)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new IotRefusal('SerializationException', 'The body is not a JSON object.')
}

/** The members of a query string or a path: everything is text there. */
export function createTextMembers(texts: Iterable<readonly [string, string]>): Members {
  const members: Readonly<Record<string, string>> = Object.fromEntries(texts)
  return {
    ...createMembers(members),
    flag: name => parseFlag(name, members[name]) ?? false,
    optionalFlag: name => parseFlag(name, members[name]),
    optionalInteger(name, minimum, maximum) {
      const text = members[name]
      if (text === undefined) return undefined
      const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN
      return assertRange(name, number, { minimum, maximum })
    }
  }
}

function createMembers(members: Json): Members {
  const optional = <Value>(
    name: string,
    is: (value: unknown) => value is Value,
    rule: string
  ): Value | undefined => {
    const value = Object.hasOwn(members, name) ? members[name] : undefined
    if (value === undefined || value === null) return undefined
    if (is(value)) return value
    throw refuse(name, rule)
  }
  const optionalText = (name: string, maximumLength = 2048): string | undefined => {
    const text = optional(name, isText, 'must be a string')
    if (text !== undefined && text.length > maximumLength)
      throw refuse(name, `must have at most ${maximumLength} characters`)
    return text
  }
  return {
    text(name, maximumLength) {
      const text = optionalText(name, maximumLength)
      if (text === undefined || text === '') throw refuse(name, 'must not be empty')
      return text
    },
    optionalText,
    flag: name => optional(name, isFlag, 'must be a boolean') ?? false,
    optionalFlag: name => optional(name, isFlag, 'must be a boolean'),
    optionalInteger(name, minimum, maximum) {
      const number = optional(name, value => typeof value === 'number', 'must be a number')
      return number === undefined ? undefined : assertRange(name, number, { minimum, maximum })
    },
    optionalChoice(name, choices) {
      const text = optionalText(name)
      const choice = choices.find(known => known === text)
      if (text !== undefined && choice === undefined)
        throw refuse(name, `must be one of ${choices.join(', ')}`)
      return choice
    },
    optionalObject(name) {
      const value = optional(name, isObject, 'must be an object')
      return value === undefined ? undefined : createMembers(value)
    },
    optionalObjects: name => optional(name, isObjects, 'must be a list of objects')?.map(createMembers),
    optionalTexts: name => optional(name, isTexts, 'must be a list of strings'),
    optionalTextMap: name => optional(name, isTextMap, 'must be a map of strings')
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isObjects(value: unknown): value is readonly Json[] {
  return Array.isArray(value) && value.every(isObject)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every(isText)
}

function parseFlag(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  if (text === 'true' || text === 'false') return text === 'true'
  throw refuse(name, 'must be true or false')
}

interface Range {
  readonly minimum: number
  readonly maximum: number
}

function assertRange(name: string, number: number, { minimum, maximum }: Range): number {
  if (Number.isInteger(number) && number >= minimum && number <= maximum) return number
  throw refuse(name, `must be a whole number from ${minimum} to ${maximum}`)
}

function refuse(name: string, rule: string): IotRefusal {
  return new IotRefusal('InvalidRequestException', `1 validation error detected: value at '${name}' ${rule}.`)
}
