import { afterAll, describe, expect, it } from 'vitest'
import { findNearest } from '../../../src/http/problems/nearest.ts'
import { takesBeginning, wordsOfPattern } from '../../../src/http/problems/pattern-words.ts'
import { problemOf } from '../answer.ts'
import { bearer, createTestApp } from '../port.ts'

const { app } = await createTestApp()
await app.ready()
afterAll(() => app.close())

interface Schema {
  readonly type?: string
  readonly pattern?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly anyOf?: readonly Schema[]
}
interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: Schema
}
interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: object
}

const { paths, components } = app.swagger() as unknown as {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}
/** Lists, and whatever else is asked for in a query alone. */
const asked = Object.entries(paths).flatMap(([path, { get }]) => {
  const parameters = get?.parameters?.filter(each => each.in === 'query') ?? []
  return path.includes('{') || parameters.length === 0 ? [] : [{ path, parameters }]
})

async function violationsOf(path: string, query: string) {
  const answer = await app.inject({ url: `${path}?${query}`, headers: bearer('admin') })
  expect([answer.statusCode, problemOf(answer).code], answer.body).toEqual([400, 'request_invalid'])
  return problemOf(answer).violations as Record<'pointer' | 'expected' | 'found' | 'message', string>[]
}

/** Of the schemas of requests, and of what they refer to. */
function patternsIn(root: object, found = new Set<string>(), seen = new Set<string>()) {
  for (const [key, value] of Object.entries(root) as [string, unknown][]) {
    // An example of a document is no schema.
    if (key === 'default' || key === 'examples' || key === 'example') continue
    if (key === 'pattern' && typeof value === 'string') found.add(value)
    const name = key === '$ref' ? String(value).split('/').at(-1)! : undefined
    if (name !== undefined && !seen.has(name)) {
      seen.add(name)
      patternsIn(components.schemas[name] ?? {}, found, seen)
    }
    if (typeof value === 'object' && value !== null) patternsIn(value, found, seen)
  }
  return found
}

it('each pattern of a request is told in words', () => {
  const operations = Object.values(paths).flatMap(methods => Object.values(methods))
  const requests = operations.flatMap(({ parameters = [], requestBody = {} }) => [...parameters, requestBody])
  const patterns = [...patternsIn(requests)]
  expect(patterns.length).toBeGreaterThan(20)
  expect(patterns.filter(pattern => wordsOfPattern(pattern) === undefined)).toEqual([])
})

describe.each(asked)('GET $path', ({ path, parameters }) => {
  /** What it cannot be asked without, but for the parameter that is tried. */
  const needed = (tried?: string) =>
    parameters.flatMap(({ name, required }) => (required && name !== tried ? [`${name}=2026-01-01`] : []))

  it('names what it is asked by where it is asked by what there is not', async () => {
    const violations = await violationsOf(path, [...needed(), 'no-such-thing=1'].join('&'))
    const unknown = violations.find(({ pointer }) => pointer === '/query/no-such-thing')
    expect(unknown!.expected.split(' | ').toSorted()).toEqual(parameters.map(({ name }) => name).toSorted())
    const [{ name }] = parameters as [Parameter]
    const slip = await violationsOf(path, [...needed(), `${name}x=1`].join('&'))
    expect(slip.find(({ pointer }) => pointer === `/query/${name}x`)!.message).toMatch(
      new RegExp(`write .*${name.replaceAll('.', '\\.')}`)
    )
  })

  const whole = parameters.filter(({ schema: { type, pattern, format, enum: values, anyOf = [] } }) =>
    pattern === undefined
      ? format !== undefined || values !== undefined || anyOf.some(each => each.format !== undefined)
      : type === 'string' && !takesBeginning(pattern) && !new RegExp(pattern, 'u').test('ab*')
  )

  it.each(whole.map(({ name }) => name))('says that %s is not taken by how it begins', async name => {
    const violations = await violationsOf(path, [...needed(name), `${name}=ab*`].join('&'))
    const own = violations.find(({ pointer }) => pointer === `/query/${name}`)
    expect(own).toMatchObject({
      message: expect.stringContaining(`${name} is not taken by how it begins`) as string
    })
    // A limit in words, and neither a pattern nor what the parameter is for.
    expect(own!.expected).not.toMatch(/[{}^\\]|[a-z]{3}\.( |$)/)
  })
})

describe('a name that there is not', () => {
  const known = ['subject.CommonName', 'subject.SerialNumber', 'serialNumber', 'station', 'thingName', 'to']

  it.each([
    ['subject.commonname', ['subject.CommonName']],
    ['commonName', ['subject.CommonName']],
    ['serialnumber', ['serialNumber', 'subject.SerialNumber']],
    ['statoin', ['station']],
    ['stations', ['station']],
    ['thing', ['thingName']],
    ['q', []],
    ['x'.repeat(100_000), []]
  ])('%s may be meant as %j', (name, nearest) => {
    expect([...findNearest(name, known)].toSorted()).toEqual(nearest.toSorted())
  })
})

it('of many values those are named that may be meant', async () => {
  const [violation] = await violationsOf('/v1/issuances', 'code=key_*')
  expect(violation!.expected).toMatch(/^one of the \d+ .*key_blocked \| /)
  const [slip] = await violationsOf('/v1/issuances', 'code=key_bloked')
  expect(slip!.expected).toContain('key_blocked')
})
