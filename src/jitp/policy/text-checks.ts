import { quoted } from '../findings/finding.ts'
import type { JsonValue } from '../reading/json/source.ts'
import { pointerTo } from '../reading/json/source.ts'
import { isJsonList, isJsonObject } from '../reading/json/value.ts'
import type { DocumentReport } from './document-report.ts'
import { variablesOf, type VariableUse } from './matching/pattern.ts'
import { nearestName } from './reference/nearest.ts'
import { isPolicyVariable, isThingVariable, policyVariables } from './reference/policy-variables.ts'
import type { PolicyText } from './statement.ts'

/** Every string of a document, with its place. */
export function textsOf(value: JsonValue, pointer = ''): readonly PolicyText[] {
  if (typeof value === 'string') return [{ text: value, pointer }]
  if (isJsonList(value)) return value.flatMap((item, index) => textsOf(item, pointerTo(pointer, index)))
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([name, member]) => textsOf(member, pointerTo(pointer, name)))
}

/** Reports policy variables that no device fills, and what was left from an example. */
export function checkText(text: PolicyText, hasThing: boolean, report: DocumentReport): void {
  for (const use of variablesOf(text.text)) checkVariable(use, { ...text, hasThing }, report)
  for (const match of text.text.matchAll(/<[A-Za-z][A-Za-z0-9 _-]{0,60}>/g)) {
    report.add('placeholder-left', {
      pointer: text.pointer,
      index: match.index,
      message: `${quoted(match[0])} looks like a placeholder.`,
      expected: 'your own value',
      found: quoted(match[0])
    })
  }
}

function checkVariable(
  { name, index, end, isClosed }: VariableUse,
  { text, pointer, hasThing }: PolicyText & { readonly hasThing: boolean },
  report: DocumentReport
): void {
  const found = quoted(text.slice(index, end))
  if (!isClosed) {
    report.add('policy-variable-unclosed', {
      pointer,
      index,
      message: `${found} has no closing brace.`,
      expected: '}',
      found
    })
  } else if (isThingVariable(name) && !hasThing) reportThingVariable({ pointer, index, found }, report)
  else if (!isPolicyVariable(name)) {
    const near = nearestVariable(name)
    const advice = near === undefined ? '' : ` Did you mean \`\${${near}}\`?`
    report.add('policy-variable-unknown', {
      pointer,
      index,
      message: `${found} is no policy variable for a device with a certificate, and the template does not replace it here.${advice}`,
      expected: near === undefined ? '${iot:…}' : `\${${near}}`,
      found
    })
  }
}

interface ThingVariablePlace {
  readonly pointer: string
  readonly part?: 'name'
  readonly index?: number
  readonly found: string
}

export function reportThingVariable({ found, ...place }: ThingVariablePlace, report: DocumentReport): void {
  report.add('policy-thing-variable-without-thing', {
    ...place,
    message: `${found} is of the thing, and the template attaches the certificate to none.`,
    expected: 'a resource of type AWS::IoT::Thing',
    found
  })
}

/**
 * `iot:Thing.ThingName` stands in AWS's examples for the one that its list has, and the parameter of a template for the
 * variable of the certificate.
 */
function nearestVariable(name: string): string | undefined {
  const meant = name
    .replace(/^iot:thing\./i, 'iot:Connection.Thing.')
    .replace(/^AWS::IoT::Certificate::/i, 'iot:Certificate.Subject.')
  return nearestName(meant, policyVariables) ?? nearestName(`iot:${meant}`, policyVariables) ?? ofThing(meant)
}

function ofThing(name: string): string | undefined {
  return nearestName(`iot:Connection.Thing.${name}`, policyVariables)
}
