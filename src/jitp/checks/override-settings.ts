import { quoted } from '../findings/finding.ts'
import type { Override } from '../template/template.ts'
import type { CheckContext } from './context.ts'

const plainValues = ['DO_NOTHING', 'REPLACE', 'FAIL'] as const
const mergeValues = [...plainValues, 'MERGE'] as const

/** What may be overridden, and how. */
export const thingOverrides: Readonly<Record<string, readonly string[]>> = {
  AttributePayload: mergeValues,
  ThingTypeName: plainValues,
  ThingGroups: mergeValues
}
export const certificateOverrides: Readonly<Record<string, readonly string[]>> = { Status: plainValues }
export const noOverrides: Readonly<Record<string, readonly string[]>> = {}

/** Reports override keys and values that AWS does not know. */
export function checkOverrideSettings(
  overrides: readonly Override[],
  known: Readonly<Record<string, readonly string[]>>,
  { report }: CheckContext
): void {
  for (const { key, value, pointer } of overrides) {
    const values = Object.hasOwn(known, key) ? known[key] : undefined
    if (values === undefined) {
      const keys = Object.keys(known).join(', ') || 'no OverrideSettings'
      report.addAtName('override-key-unknown', {
        pointer,
        message: `Nothing named ${quoted(key)} can be overridden here.`,
        expected: keys,
        found: quoted(key)
      })
    } else if (!values.includes(value)) {
      const message = `${key} takes no ${quoted(value)}.`
      report.add('override-value-unknown', {
        pointer,
        message,
        expected: values.join(', '),
        found: quoted(value)
      })
    }
  }
}
