import { directPartsOf, type Expression, type ListExpression, partsOf } from '../template/expression.ts'
import { expressionsOf } from '../template/expressions-of-template.ts'
import { limits } from '../template/limits.ts'
import { ExpressionSizes } from '../template/size.ts'
import type { CheckContext } from './context.ts'

/**
 * Reports a template that asks more of whoever evaluates it than the limits allow, and says whether it does. Nothing
 * is evaluated: lengths are added up.
 */
export function isTooLarge(context: CheckContext): boolean {
  const { template, report } = context
  const expressions = expressionsOf(template)
  checkParts(expressions, context)
  const sizes = new ExpressionSizes(template)
  let total = 0
  for (const expression of expressions) {
    checkDepth(expression, sizes, context)
    checkLength(expression, sizes, context)
    for (const part of partsOf(expression)) if (makesText(part)) total += sizes.of(part).length
  }
  if (!isReported(context) && total > limits.totalLength) {
    report.add('expressions-too-large', {
      pointer: '/Resources',
      message: `The texts that the template makes for one certificate can have ${countOf(total)} characters.`,
      expected: `at most ${limits.totalLength}`,
      found: countOf(total)
    })
  }
  return isReported(context)
}

function isReported({ report }: CheckContext): boolean {
  return report.findings.some(({ id }) => id === 'expressions-too-large')
}

function checkParts(expressions: readonly (Expression | ListExpression)[], { report }: CheckContext): void {
  let parts = 0
  for (const expression of expressions) {
    parts += 1
    for (const part of partsOf(expression)) parts += directPartsOf(part).length
    if (parts <= limits.parts) continue
    report.add('expressions-too-large', {
      pointer: expression.pointer,
      message: `The expressions of the template have more than ${limits.parts} parts, counted up to here.`,
      expected: `at most ${limits.parts}`,
      found: `${parts} or more`
    })
    return
  }
}

function checkDepth(
  expression: Expression | ListExpression,
  sizes: ExpressionSizes,
  { report }: CheckContext
): void {
  const { depth } = sizes.of(expression)
  if (depth <= limits.functionDepth) return
  report.add('expressions-too-large', {
    pointer: expression.pointer,
    message: `Functions stand ${depth} deep within each other.`,
    expected: `at most ${limits.functionDepth}`,
    found: String(depth)
  })
}

/** The innermost part is named: what is around it is at least as long. */
function checkLength(
  expression: Expression | ListExpression,
  sizes: ExpressionSizes,
  { report }: CheckContext
): void {
  const innermost = partsOf(expression)
    .filter(part => makesText(part) && sizes.of(part).length > limits.textLength)
    .reduce<Expression | ListExpression | undefined>(
      (one, other) => (one && sizes.of(one).length < sizes.of(other).length ? one : other),
      undefined
    )
  if (innermost === undefined) return
  const found = countOf(sizes.of(innermost).length)
  report.add('expressions-too-large', {
    pointer: innermost.pointer,
    message: `The text made here can have ${found} characters.`,
    expected: `at most ${limits.textLength}`,
    found
  })
}

/** Whether evaluating it makes a text that was not there before. */
function makesText({ kind }: Expression | ListExpression): boolean {
  return kind === 'join' || kind === 'sub' || kind === 'split'
}

/** Nested functions multiply: what is past counting is not written out. */
function countOf(count: number): string {
  return count < 1e9 ? String(Math.ceil(count)) : 'more than 1000000000'
}
