import type { FastifySchemaValidationError } from 'fastify'
import type { Violation } from '../../errors/mintline-error.ts'
import { isBeginning } from '../listing/whole-names.ts'
import { findNearest } from './nearest.ts'
import { takesBeginning, wordsOfPattern } from './pattern-words.ts'

/** What Ajv says of one failed keyword, in verbose mode. */
export interface SchemaFault extends FastifySchemaValidationError {
  readonly data?: unknown
  /** The member whose name is at fault, on faults found inside `propertyNames`. */
  readonly propertyName?: string
  /** The value of the keyword: for `anyOf` the branches. */
  readonly schema?: unknown
  readonly parentSchema?: { readonly description?: string; readonly properties?: object }
}

/** Enough for any honest mistake; settling unions costs the square of it. */
const maximumFaults = 400
const maximumEchoed = 64
/** Values that are listed whole: of more, a few that may have been meant. */
const maximumListed = 40
/** So many are answered; of more, how many there are. */
export const maximumViolations = 50

/**
 * Says what is wrong in the terms of a problem document, one violation a fault; beyond 400 faults the rest is left out.
 *
 * `pointerPrefix` names the part of the request that is not the body, such as `/query`. Strings longer than 64
 * characters and whatever stands for `/csr` are described, not repeated: they may be a secret pasted by mistake.
 */
export function buildViolations(faults: readonly SchemaFault[], pointerPrefix: string): readonly Violation[] {
  // What is wrong with a member's name is said by the fault of `propertyNames` itself; of `if`, by those of its `then`.
  const isOwn = ({ propertyName, keyword }: SchemaFault) => propertyName === undefined && keyword !== 'if'
  const own = faults.slice(0, maximumFaults).filter(isOwn)
  return settleUnions(own).map((fault, index) => {
    const place = `${pointerPrefix}${fault.instancePath}`
    const { suffix, expected, found, message } = explain(fault, { place, isTold: index < maximumViolations })
    const pointer = `${place}${suffix}`
    return { pointer, expected, found: found ?? describe(fault.data, pointer), message }
  })
}

interface Branch {
  readonly const?: unknown
  readonly format?: string
  readonly properties?: Readonly<Record<string, Branch>>
}

/** A value that fits no branch of a union has faults in all of them. Keeps those of the branch that was meant. */
function settleUnions(faults: readonly SchemaFault[]): readonly SchemaFault[] {
  const innermost = faults
    .filter(fault => fault.keyword === 'anyOf')
    .sort((left, right) => right.schemaPath.length - left.schemaPath.length)[0]
  if (innermost === undefined) return faults
  const isInside = (fault: SchemaFault) =>
    fault.schemaPath.startsWith(`${innermost.schemaPath}/`) &&
    `${fault.instancePath}/`.startsWith(`${innermost.instancePath}/`)
  const settled = settleUnion(innermost, faults.filter(isInside))
  return settleUnions(
    faults.flatMap(fault => (fault === innermost ? settled : isInside(fault) ? [] : [fault]))
  )
}

function settleUnion(union: SchemaFault, inside: readonly SchemaFault[]): readonly SchemaFault[] {
  const branches = union.schema as readonly Branch[]
  if (branches.every(branch => branch.const !== undefined)) {
    return [asEnum(union, branches)]
  }
  if (branches.every(branch => branch.format !== undefined) && typeof union.data === 'string') {
    return [{ ...union, keyword: 'format', params: { format: branches.map(({ format }) => format) } }]
  }
  const faultsOf = branches.map((_branch, index) =>
    inside.filter(fault => `${fault.schemaPath}/`.startsWith(`${union.schemaPath}/${index}/`))
  )
  const fewest = faultsOf
    .filter(({ length }) => length > 0)
    .sort((left, right) => left.length - right.length)[0]
  const tag = Object.keys(branches[0]?.properties ?? {}).find(name =>
    branches.every(branch => branch.properties?.[name]?.const !== undefined)
  )
  if (tag === undefined || typeof union.data !== 'object' || union.data === null) return fewest ?? [union]
  const tagValue = (union.data as Record<string, unknown>)[tag]
  const literals = branches.map(branch => branch.properties?.[tag] ?? {})
  const meant = faultsOf[literals.findIndex(literal => literal.const === tagValue)]
  const instancePath = `${union.instancePath}${pointerTo(tag)}`
  return meant ?? [asEnum({ ...union, instancePath, data: tagValue }, literals)]
}

function asEnum(fault: SchemaFault, literals: readonly Branch[]): SchemaFault {
  return { ...fault, keyword: 'enum', params: { allowedValues: literals.map(literal => literal.const) } }
}

interface Explanation {
  /** What follows the fault's own pointer. */
  readonly suffix: string
  readonly expected: string
  /** Without it the value itself is described. */
  readonly found?: string
  readonly message: string
}

interface Told {
  /** The pointer of what the fault is in. */
  readonly place: string
  /** Whether it is answered, and worth looking for what was meant. */
  readonly isTold: boolean
}

function explain(fault: SchemaFault, told: Told): Explanation {
  const { keyword, params, message = 'does not fit' } = fault
  if (keyword === 'required') {
    const member = String(params['missingProperty'])
    return { suffix: pointerTo(member), expected: 'a value', found: 'nothing', message: `Add ${member}.` }
  }
  if (keyword === 'additionalProperties') return explainUnknown(fault, told)
  if (keyword === 'propertyNames') {
    const member = String(params['propertyName']).slice(0, maximumEchoed)
    const { pattern = '' } = (fault.schema ?? {}) as { readonly pattern?: string }
    const expected = wordsOfPattern(pattern) ?? fault.parentSchema?.description ?? 'a name as the schema says'
    return { suffix: pointerTo(member), expected, found: member, message: 'Rename it.' }
  }
  const expected = expectation(fault, told) ?? message
  return { suffix: '', expected, message: adviceOn(fault, told) }
}

/** A member, or a parameter, that there is not. */
function explainUnknown({ params, parentSchema }: SchemaFault, { isTold }: Told): Explanation {
  const name = String(params['additionalProperty'])
  const known = Object.keys(parentSchema?.properties ?? {})
  const nearest = isTold ? findNearest(name, known) : []
  const isMany = known.length === 0 || known.length > mostNames
  return {
    suffix: pointerTo(name.slice(0, maximumEchoed)),
    expected: isMany ? 'a name as the schema says' : known.join(' | '),
    found: name.slice(0, maximumEchoed),
    message:
      nearest.length === 0
        ? 'Remove it, or check the spelling.'
        : `Remove it, or write ${nearest.join(', or ')} if that is meant.`
  }
}

const mostNames = 60

function expectation(fault: SchemaFault, { isTold }: Told): string | undefined {
  const { keyword, params, parentSchema, data } = fault
  if (keyword === 'type') return `a value of type ${String(params['type'])}`
  if (keyword === 'enum') return listValues((params['allowedValues'] as unknown[]).map(String), data, isTold)
  if (keyword === 'const') return String(params['allowedValue'])
  if (keyword === 'format') return [params['format']].flat().map(describeFormat).join(', or ')
  if (keyword !== 'pattern') return undefined
  const pattern = String(params['pattern'])
  return wordsOfPattern(pattern) ?? parentSchema?.description ?? `a match of ${pattern}`
}

/** All of them, or, where they are many, those that may have been meant. */
function listValues(values: readonly string[], data: unknown, isTold: boolean): string {
  if (values.length <= maximumListed) return values.join(' | ')
  const text = typeof data === 'string' && isTold ? data : ''
  const beginning = text.replace(/\*$/, '')
  const begun = beginning.length > 1 ? values.filter(value => value.startsWith(beginning)) : []
  const nearest = [...new Set([...begun.slice(0, maximumListed), ...findNearest(text, values)])]
  const list = nearest.length === 0 ? '' : `: ${nearest.join(' | ')}, or another`
  return `one of the ${values.length} that the API's description names${list}`
}

/** What is searched for may look like a beginning where it is taken as a whole alone. */
function adviceOn({ keyword, params, data }: SchemaFault, { place }: Told): string {
  const isSearched = place.startsWith('/query/') || place.startsWith('/filter/')
  const isBegun = typeof data === 'string' && isBeginning(data)
  const isWhole = keyword === 'pattern' ? !takesBeginning(String(params['pattern'])) : isTextual.has(keyword)
  if (!isSearched || !isBegun || !isWhole) return 'Correct the value.'
  return `${place.replace(/^\/(?:query|filter)\//, '')} is not taken by how it begins: write the whole value, without the *.`
}

const isTextual: ReadonlySet<string> = new Set(['enum', 'const', 'format', 'type'])

function describeFormat(format: unknown): string {
  if (format === 'date-time') return 'a time as RFC 3339 writes it, e.g. 2026-11-23T10:00:00Z'
  if (format === 'date') return 'a date, e.g. 2026-11-23'
  return `a ${String(format)}`
}

function pointerTo(member: string): string {
  return `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function describe(value: unknown, pointer: string): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'string' && value.length > maximumEchoed) return `${value.length} characters`
  return pointer === '/csr' ? `a ${typeof value}` : JSON.stringify(value)
}
