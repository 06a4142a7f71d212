import { describe, expect, it } from 'vitest'
import { evaluateText, type ExpressionScope } from '../../../src/rehearsal/iot/provisioning/expression.ts'

const scope: ExpressionScope = {
  values: new Map([['Name', 'device']]),
  mappings: {},
  intrinsicFunctions: 'evaluate'
}

function nested(depth: number, uses: number): unknown {
  if (depth === 0) return { Ref: 'Name' }
  return { 'Fn::Sub': ['${a}'.repeat(uses), { a: nested(depth - 1, uses) }] }
}

describe('the stand-in evaluates functions', () => {
  it('putting values in the place of names', () => {
    const text = { 'Fn::Sub': ['${a}-${Name}.${a}', { a: { 'Fn::Join': ['+', ['x', { Ref: 'Name' }]] } }] }
    expect(evaluateText(text, scope, 'ThingName')).toBe('x+device-device.x+device')
    expect(evaluateText(nested(3, 4), scope, 'ThingName')).toBe('device'.repeat(64))
  })

  it.each([
    ['Fn::Sub within Fn::Sub', nested(12, 100)],
    ['Fn::Join with a long delimiter', { 'Fn::Join': ['-'.repeat(9_000), ['a', 'b', 'c']] }]
  ])('and refuses a text longer than a template body before it makes it: %s', (_, expression) => {
    expect(() => evaluateText(expression, scope, 'ThingName')).toThrow(
      expect.objectContaining({ errorName: 'InvalidRequestException' })
    )
  })
})
