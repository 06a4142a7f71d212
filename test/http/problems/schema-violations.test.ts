import { describe, expect, it } from 'vitest'
import { buildViolations, type SchemaFault } from '../../../src/http/problems/schema-violations.ts'

const fault = (changes: Partial<SchemaFault>): SchemaFault => ({
  keyword: 'type',
  instancePath: '/name',
  schemaPath: '#/properties/name/type',
  params: { type: 'string' },
  data: 7,
  ...changes
})

const foundFor = (instancePath: string, data: unknown) =>
  buildViolations([fault({ instancePath, data })], '')[0]?.found

describe('buildViolations', () => {
  it.each([
    ['a number', 7, '7'],
    ['text', 'short', '"short"'],
    ['text that could break a log line', 'a\nb', '"a\\nb"'],
    ['text of 65 characters', 'x'.repeat(65), '65 characters'],
    ['nothing', undefined, 'nothing'],
    ['null', null, 'null'],
    ['an array', ['secret'], 'an array of 1'],
    ['an object', { secret: 1 }, 'an object']
  ])('shows %s as what it is', (_name, data, expected) => {
    expect(foundFor('/name', data)).toBe(expected)
  })

  it.each([['short secret'], [7]])('does not repeat %s in place of a CSR', data => {
    expect(foundFor('/csr', data)).not.toContain(String(data))
  })

  it('escapes member names in pointers (RFC 6901)', () => {
    const params = { additionalProperty: 'a/b~c' }
    const [violation] = buildViolations(
      [fault({ keyword: 'additionalProperties', instancePath: '', params })],
      ''
    )
    expect(violation?.pointer).toBe('/a~1b~0c')
  })

  it('tells of a condition only what it asks for', () => {
    const condition = fault({
      keyword: 'if',
      instancePath: '',
      schemaPath: '#/if',
      params: { failingKeyword: 'then' }
    })
    expect(buildViolations([fault({}), condition], '').map(({ pointer }) => pointer)).toEqual(['/name'])
  })

  it('cuts a long member name', () => {
    const params = { additionalProperty: 'k'.repeat(9_000) }
    const [violation] = buildViolations(
      [fault({ keyword: 'additionalProperties', instancePath: '', params })],
      ''
    )
    expect(violation?.found).toHaveLength(64)
  })

  it('is not overwhelmed by an array full of faulty unions', () => {
    const faults = Array.from({ length: 50_000 }, (_empty, index) =>
      fault({
        keyword: 'anyOf',
        instancePath: `/list/${index}`,
        schemaPath: '#/properties/list/items/anyOf',
        schema: [{ const: 'a' }, { const: 'b' }]
      })
    )
    const violations = buildViolations(faults, '')
    expect(violations).toHaveLength(400)
    expect(violations[0]).toMatchObject({ pointer: '/list/0', expected: 'a | b' })
  })
})
