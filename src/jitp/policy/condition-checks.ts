import { quoted } from '../findings/finding.ts'
import type { DocumentReport } from './document-report.ts'
import { conditionComparisons, isKnownOperator } from './reference/condition-operators.ts'
import { nearestName } from './reference/nearest.ts'
import { conditionKeys, isConditionKey, isThingVariable } from './reference/policy-variables.ts'
import type { PolicyCondition, PolicyStatement } from './statement.ts'
import { reportThingVariable } from './text-checks.ts'

/** Reports operators and keys that a condition cannot have. */
export function checkConditions(
  { conditions }: PolicyStatement,
  hasThing: boolean,
  report: DocumentReport
): void {
  const operators = new Map(conditions.map(condition => [condition.operatorPointer, condition]))
  for (const condition of operators.values()) checkOperator(condition, report)
  for (const condition of conditions) {
    const { key, pointer } = condition
    const found = quoted(key)
    if (isThingVariable(key) && !hasThing && isConditionKey(key)) {
      // That no thing is attached can be asked for.
      if (!isAttachment(key) || isNeverMet(condition, hasThing))
        reportThingVariable({ pointer, part: 'name', found }, report)
    } else if (!isConditionKey(key)) {
      const near = nearestName(key, conditionKeys)
      report.add('policy-condition-key-unknown', {
        pointer,
        part: 'name',
        message: `${found} is no condition key that AWS IoT fills for a device with a certificate.${advice(near)}`,
        expected: near ?? 'iot:…',
        found
      })
    }
  }
}

function checkOperator({ operator, operatorPointer }: PolicyCondition, report: DocumentReport): void {
  if (isKnownOperator(operator)) return
  const { prefix, comparison, isOptional } = operator
  const near = nearestName(comparison, conditionComparisons)
  const found = quoted(`${prefix}${comparison}${isOptional ? 'IfExists' : ''}`)
  report.add('policy-condition-operator-unknown', {
    pointer: operatorPointer,
    part: 'name',
    message: `${found} is no condition operator.${advice(near)}`,
    expected: near ?? 'StringEquals, StringLike, Bool, …',
    found
  })
}

function advice(near: string | undefined): string {
  return near === undefined ? '' : ` Did you mean ${quoted(near)}?`
}

/** Whether the condition is never met since there is no thing. */
export function isNeverMet({ operator, key, values }: PolicyCondition, hasThing: boolean): boolean {
  if (hasThing || operator.isOptional || !isThingVariable(key) || operator.prefix !== '') return false
  if (isAttachment(key))
    return operator.comparison === 'Bool' && values.every(value => value.toLowerCase() === 'true')
  return ['StringEquals', 'StringEqualsIgnoreCase', 'StringLike'].includes(operator.comparison)
}

function isAttachment(key: string): boolean {
  return /\.isattached$/i.test(key)
}
