import type { FastifySchemaValidationError } from 'fastify'
import type { Violation } from '../../errors/mintline-error.ts'

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
const maximumListed = 12

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
  return settleUnions(own).map(fault => {
    const { suffix, expected, found, message } = explain(fault)
    const pointer = `${pointerPrefix}${fault.instancePath}${suffix}`
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

function explain({ keyword, params, parentSchema, message = 'does not fit' }: SchemaFault): Explanation {
  if (keyword === 'required') {
    const member = String(params['missingProperty'])
    return { suffix: pointerTo(member), expected: 'a value', found: 'nothing', message: `Add ${member}.` }
  }
  if (keyword === 'additionalProperties') {
    const member = String(params['additionalProperty']).slice(0, maximumEchoed)
    const known = Object.keys(parentSchema?.properties ?? {})
    const expected =
      known.length === 0 || known.length > maximumListed ? 'a name as the schema says' : known.join(' | ')
    return {
      suffix: pointerTo(member),
      expected,
      found: member,
      message: 'Remove it, or check the spelling.'
    }
  }
  if (keyword === 'propertyNames') {
    const member = String(params['propertyName']).slice(0, maximumEchoed)
    const expected = parentSchema?.description ?? 'a name as the schema says'
    return { suffix: pointerTo(member), expected, found: member, message: 'Rename it.' }
  }
  return {
    suffix: '',
    expected: expectation(keyword, params, parentSchema) ?? message,
    message: 'Correct the value.'
  }
}

function expectation(
  keyword: string,
  params: Readonly<Record<string, unknown>>,
  parentSchema: SchemaFault['parentSchema']
): string | undefined {
  if (keyword === 'type') return `a value of type ${String(params['type'])}`
  if (keyword === 'enum') return (params['allowedValues'] as unknown[]).map(String).join(' | ')
  if (keyword === 'const') return String(params['allowedValue'])
  if (keyword === 'format') return [params['format']].flat().map(describeFormat).join(', or ')
  if (keyword === 'pattern') return parentSchema?.description ?? `a match of ${String(params['pattern'])}`
  return undefined
}

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
