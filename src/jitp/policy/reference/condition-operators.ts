const comparisons =
  `StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike
  NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals
  DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals
  Bool BinaryEquals IpAddress NotIpAddress ArnEquals ArnLike ArnNotEquals ArnNotLike Null`.split(/\s+/)

const setPrefixes = ['ForAllValues:', 'ForAnyValue:']
const optionalSuffix = 'IfExists'

/** A condition operator, taken apart. */
export interface ConditionOperator {
  /** `ForAllValues:` or `ForAnyValue:`, or empty. */
  readonly prefix: string
  readonly comparison: string
  /** Whether the condition is met where the key has no value. */
  readonly isOptional: boolean
}

/** IAM User Guide, "IAM JSON policy elements: Condition operators". */
export const conditionComparisons: readonly string[] = comparisons

export function splitOperator(operator: string): ConditionOperator {
  const prefix = setPrefixes.find(each => operator.startsWith(each)) ?? ''
  const rest = operator.slice(prefix.length)
  const isOptional = rest.endsWith(optionalSuffix)
  return { prefix, comparison: isOptional ? rest.slice(0, -optionalSuffix.length) : rest, isOptional }
}

/** `Null` asks whether there is a value, so that it cannot be optional. */
export function isKnownOperator({ comparison, isOptional }: ConditionOperator): boolean {
  return comparisons.includes(comparison) && !(isOptional && comparison === 'Null')
}
