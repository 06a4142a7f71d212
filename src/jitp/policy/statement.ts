import { quoted } from '../findings/finding.ts'
import type { JsonObject, JsonValue } from '../reading/json/source.ts'
import { pointerTo } from '../reading/json/source.ts'
import { isJsonList, isJsonObject, kindOf } from '../reading/json/value.ts'
import type { DocumentReport } from './document-report.ts'
import { type ActionMeaning, meaningOf } from './matching/action.ts'
import { type ExaminedResource, examineResource, type PolicySurroundings } from './matching/resource.ts'
import { type ConditionOperator, splitOperator } from './reference/condition-operators.ts'

/** A string of a document. */
export interface PolicyText {
  readonly text: string
  /** RFC 6901, into the document. */
  readonly pointer: string
}

export interface PolicyAction extends PolicyText {
  readonly meaning: ActionMeaning
}

export interface PolicyResource extends PolicyText, ExaminedResource {}

export interface PolicyCondition {
  readonly operator: ConditionOperator
  readonly key: string
  readonly values: readonly string[]
  /** Of the operator and of the key. */
  readonly operatorPointer: string
  readonly pointer: string
}

export interface PolicyStatement {
  readonly effect: JsonValue | undefined
  readonly actions: readonly PolicyAction[]
  readonly resources: readonly PolicyResource[]
  readonly conditions: readonly PolicyCondition[]
  readonly pointer: string
}

const statementMembers = ['Sid', 'Effect', 'Action', 'Resource', 'Condition']

/** Reads one statement; what has not its form is reported as `policy-document-invalid` and left out. */
export function parseStatement(
  { value, pointer }: { readonly value: JsonValue | undefined; readonly pointer: string },
  surroundings: PolicySurroundings,
  report: DocumentReport
): PolicyStatement | undefined {
  if (!isJsonObject(value)) {
    report.invalid(pointer, 'a statement', kindOf(value))
    return undefined
  }
  checkMembers({ value, pointer, known: statementMembers }, report)
  if (value.Effect !== 'Allow' && value.Effect !== 'Deny') {
    report.invalid(pointerTo(pointer, 'Effect'), 'Effect "Allow" or "Deny"', describe(value.Effect))
  }
  const texts = (name: string, expected: string) =>
    parseTexts({ value: value[name], pointer: pointerTo(pointer, name), expected }, report)
  return {
    effect: value.Effect,
    actions: texts('Action', 'an action').map(action => ({
      ...action,
      meaning: meaningOf(action.text, surroundings.effort)
    })),
    resources: texts('Resource', 'a resource').map(resource => ({
      ...resource,
      ...examineResource(resource.text, surroundings)
    })),
    conditions: parseConditions(value.Condition, pointerTo(pointer, 'Condition'), report),
    pointer
  }
}

export function checkMembers(
  {
    value,
    pointer,
    known
  }: { readonly value: JsonObject; readonly pointer: string; readonly known: readonly string[] },
  report: DocumentReport
): void {
  for (const name of Object.keys(value))
    if (!known.includes(name)) report.unknownMember(pointerTo(pointer, name), known.join(', '), quoted(name))
}

/** A value for a message: text as it is, of others the kind. */
export function describe(value: JsonValue | undefined): string {
  return typeof value === 'string' ? quoted(value) : kindOf(value)
}

interface TextsSource {
  readonly value: JsonValue | undefined
  readonly pointer: string
  readonly expected: string
}

function parseTexts(
  { value, pointer, expected }: TextsSource,
  report: DocumentReport
): readonly PolicyText[] {
  const items = isJsonList(value)
    ? value.map((item, index) => ({ item, pointer: pointerTo(pointer, index) }))
    : [{ item: value, pointer }]
  if (items.length === 0) report.invalid(pointer, expected, 'an empty list')
  return items.flatMap(({ item, pointer: place }) => {
    if (typeof item === 'string' && item !== '') return [{ text: item, pointer: place }]
    report.invalid(place, expected, item === '' ? 'an empty string' : kindOf(item))
    return []
  })
}

function parseConditions(
  value: JsonValue | undefined,
  pointer: string,
  report: DocumentReport
): readonly PolicyCondition[] {
  if (value === undefined) return []
  if (!isJsonObject(value)) {
    report.invalid(pointer, 'a Condition of operators, keys and values', kindOf(value))
    return []
  }
  return Object.entries(value).flatMap(([operator, keys]) => {
    const operatorPointer = pointerTo(pointer, operator)
    if (!isJsonObject(keys)) {
      report.invalid(operatorPointer, 'an object of keys and values', describe(keys))
      return []
    }
    return Object.entries(keys).map(([key, values]) => ({
      operator: splitOperator(operator),
      key,
      values: parseValues(values, pointerTo(operatorPointer, key), report),
      operatorPointer,
      pointer: pointerTo(operatorPointer, key)
    }))
  })
}

function parseValues(value: JsonValue, pointer: string, report: DocumentReport): readonly string[] {
  const list = isJsonList(value) ? value : [value]
  return list.flatMap((item, index) => {
    if (typeof item === 'string' || typeof item === 'boolean' || typeof item === 'number')
      return [String(item)]
    const place = isJsonList(value) ? pointerTo(pointer, index) : pointer
    report.invalid(place, 'a string, number or boolean', kindOf(item))
    return []
  })
}
