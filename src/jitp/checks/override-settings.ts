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

/** As the text of AWS's guide spells the keys of a thing; its examples, and this table, have the names of the properties. */
const keysInText: Readonly<Record<string, string>> = {
  ATTRIBUTE_PAYLOAD: 'AttributePayload',
  THING_TYPE_NAME: 'ThingTypeName',
  THING_GROUPS: 'ThingGroups'
}

/** Reports override keys and values that AWS does not know. */
export function checkOverrideSettings(
  overrides: readonly Override[],
  known: Readonly<Record<string, readonly string[]>>,
  { report }: CheckContext
): void {
  const seen = new Set<string>()
  for (const { key, value, pointer } of overrides) {
    const usual = Object.hasOwn(keysInText, key) ? (keysInText[key] ?? key) : key
    const values = Object.hasOwn(known, usual) ? known[usual] : undefined
    if (values !== undefined && seen.has(usual)) {
      report.addAtName('override-key-repeated', {
        pointer,
        message: `${quoted(key)} is a second rule for ${usual}.`,
        expected: `${usual} once`,
        found: quoted(key)
      })
    } else if (values !== undefined && usual !== key) {
      report.addAtName('override-key-spelling', {
        pointer,
        message: `${quoted(key)} is taken for ${usual}.`,
        expected: usual,
        found: quoted(key)
      })
    }
    seen.add(usual)
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
