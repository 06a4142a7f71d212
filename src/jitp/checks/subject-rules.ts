import { quoted } from '../findings/finding.ts'
import type { AwsName } from '../template/aws-name.ts'
import {
  attributeValue,
  billingGroupName,
  describeName,
  findNameProblem,
  nameCharacter,
  policyName,
  thingGroupName,
  thingName,
  thingTypeName
} from '../template/aws-name.ts'
import { serialNumberParameter, subjectFieldOf } from '../template/certificate-parameter.ts'
import type { Expression } from '../template/expression.ts'
import type { CheckContext } from './context.ts'

/** Reports subject rules that let through what the template could not be provisioned with. */
export function checkSubjectRules(context: CheckContext): void {
  const check = (expression: Expression | undefined, kind: AwsName): void => {
    if (expression?.kind === 'ref') checkRule(expression, kind, context)
  }
  for (const thing of context.template.things) {
    check(thing.thingName, thingName)
    for (const attribute of thing.attributes) check(attribute.value, attributeValue)
    check(thing.thingTypeName, thingTypeName)
    if (thing.thingGroups?.kind === 'list')
      for (const group of thing.thingGroups.items) check(group, thingGroupName)
    check(thing.billingGroup, billingGroupName)
  }
  for (const policy of context.template.policies) check(policy.policyName, policyName)
}

function checkRule(
  expression: Extract<Expression, { kind: 'ref' }>,
  kind: AwsName,
  context: CheckContext
): void {
  const { options, report } = context
  const field = subjectFieldOf(expression.name)
  const isFromSubject = expression.name !== serialNumberParameter || options.serialNumberSource === 'subject'
  if (field === undefined || !isFromSubject) return
  const rule = options.subjectCouldBe?.(field)
  const bad = rule?.values?.filter(value => findNameProblem(kind, value) !== undefined) ?? []
  const [example] = bad
  if (example !== undefined) {
    const id = bad.length === rule?.values?.length ? 'subject-rule-impossible' : 'subject-rule-risky'
    const problem = findNameProblem(kind, example)
    const message = `The rule for ${field} lets ${quoted(example)} through, which ${problem?.found}: ${problem?.rule}.`
    report.add(id, {
      pointer: expression.pointer,
      message,
      expected: describeName(kind),
      found: quoted(example)
    })
    return
  }
  const character =
    rule?.values === undefined ? requiredForeignCharacter(rule?.pattern ?? '', kind) : undefined
  if (character === undefined) return
  const name = nameCharacter(character)
  const message = `Every value that the pattern for ${field} matches has ${name}: AWS ${kind.plural} allow ${kind.allowed}.`
  report.add('subject-rule-impossible', {
    pointer: expression.pointer,
    message,
    expected: describeName(kind),
    found: name
  })
}

/**
 * A character that every match of the pattern has and the name cannot. Only characters written plainly outside
 * of groups, classes and alternatives count, so that what is found is certain; most patterns have none.
 */
function requiredForeignCharacter(pattern: string, kind: AwsName): string | undefined {
  if (/[|()]/.test(pattern)) return undefined
  const withoutClasses = pattern.replaceAll(/\[(?:\\.|[^\]\\])*\](?:[?*+]|\{[0-9,]*\})?/g, '')
  for (const match of withoutClasses.matchAll(/(\\?)(.)([?*]|\{[0-9,]*\})?/gu)) {
    const [, backslash, character = '', repeat] = match
    if (repeat !== undefined || '^$.+?*{}'.includes(character) !== (backslash !== '')) continue
    if (!kind.alphabet.test(character)) return character
  }
  return undefined
}
