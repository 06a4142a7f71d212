import type { TemplateReport } from '../findings/report.ts'
import { type JsonValue, pointerTo } from '../reading/json-source.ts'
import { isJsonList, isJsonObject } from '../reading/json-value.ts'

/** Unicode, section 23.7. */
const noncharacter = /\p{Noncharacter_Code_Point}/u

/**
 * Reports values with code points that stand for no character. No name has one, and before a certificate is signed one of
 * them stands for the digits of its id: what a template brings must not pass for those.
 */
export function reportNoncharacters(value: JsonValue, pointer: string, report: TemplateReport): void {
  if (typeof value === 'string') {
    const match = noncharacter.exec(value)
    if (match === null) return
    const codePoint = (match[0].codePointAt(0) ?? 0).toString(16).toUpperCase()
    report.addInString('noncharacter', {
      pointer,
      index: match.index,
      message: `U+${codePoint} is a noncharacter of Unicode.`,
      expected: 'characters',
      found: `U+${codePoint}`
    })
  } else if (isJsonList(value)) {
    value.forEach((item, index) => {
      reportNoncharacters(item, pointerTo(pointer, index), report)
    })
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value))
      reportNoncharacters(member, pointerTo(pointer, name), report)
  }
}
