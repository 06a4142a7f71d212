import type { FindingId } from '../findings/finding.ts'
import { quoted } from '../findings/finding.ts'
import type { AwsName } from '../template/aws-name.ts'
import {
  attributeName,
  attributeValue,
  billingGroupName,
  describeName,
  findNameProblem,
  thingGroupName,
  thingName,
  thingTypeName
} from '../template/aws-name.ts'
import { certificateIdParameter, isSharedField, subjectFieldOf } from '../template/certificate-parameter.ts'
import type { Expression, ListExpression } from '../template/expression.ts'
import { visibleParametersOf } from '../template/expression.ts'
import type { ThingResource } from '../template/template.ts'
import type { CheckContext } from './context.ts'
import { checkNameForLater } from './naming/thing-name.ts'
import { checkOverrideSettings, thingOverrides } from './override-settings.ts'

const attributesWithoutType = 3
const attributesWithType = 50
export const groupsPerThing = 10

/** A kind of name, and the finding for a literal that breaks its rules. */
export interface NamingRule {
  readonly kind: AwsName
  readonly invalid: FindingId
}

const thingNaming: NamingRule = { kind: thingName, invalid: 'thing-name-invalid' }
const thingTypeNaming: NamingRule = { kind: thingTypeName, invalid: 'thing-type-invalid' }
const thingGroupNaming: NamingRule = { kind: thingGroupName, invalid: 'thing-group-invalid' }
const billingGroupNaming: NamingRule = { kind: billingGroupName, invalid: 'billing-group-invalid' }
const attributeValueNaming: NamingRule = { kind: attributeValue, invalid: 'attribute-value-invalid' }

/** Reports a thing resource that AWS could not create, or that would not be what its author thinks. */
export function checkThings(context: CheckContext): void {
  const { template, report } = context
  const [thing, second] = template.things
  if (thing === undefined && template.isComplete) {
    report.add('thing-missing', {
      pointer: '/Resources',
      message: 'The template has no thing.',
      expected: 'a resource of type AWS::IoT::Thing',
      found: 'none'
    })
  }
  if (second !== undefined) {
    const message = `${quoted(second.logicalName)} is a second thing.`
    report.addAtName('thing-repeated', {
      pointer: second.pointer,
      message,
      expected: 'one thing',
      found: String(template.things.length)
    })
  }
  for (const each of template.things) {
    checkName(each, context)
    checkAttributes(each, context)
    checkGroups(each, context)
    checkExisting(each.thingTypeName, thingTypeNaming, context)
    checkExisting(each.billingGroup, billingGroupNaming, context)
    checkOverrides(each, context)
  }
}

/** Reports a literal that breaks the rules for its kind of name, and says whether it did. */
function checkLiteral(
  expression: Expression,
  { kind, invalid }: NamingRule,
  { report }: CheckContext
): boolean {
  if (expression.kind !== 'literal') return false
  const problem = findNameProblem(kind, expression.value)
  if (problem === undefined) return false
  const found = quoted(expression.value)
  report.add(invalid, {
    pointer: expression.pointer,
    message: `${found} ${problem.found}: ${problem.rule}.`,
    expected: describeName(kind),
    found
  })
  return true
}

/** Reports what follows from naming something that provisioning does not create. */
export function checkExisting(
  expression: Expression | undefined,
  rule: NamingRule,
  context: CheckContext
): void {
  if (expression === undefined) return
  if (!checkLiteral(expression, rule, context)) checkExistence(expression, context)
}

function checkExistence(expression: Expression | ListExpression, { report }: CheckContext): void {
  const parameters = visibleParametersOf(expression)
  const from = parameters.join(', ')
  if (parameters.includes(certificateIdParameter)) {
    const message = 'A name that must exist beforehand is made from the certificate id.'
    report.add('certificate-id-names-nothing', {
      pointer: expression.pointer,
      message,
      expected: 'a fixed name',
      found: from
    })
  } else if (parameters.length > 0) {
    const message = `Something of this name must exist for every value of ${from}.`
    report.add('must-exist-for-every-value', {
      pointer: expression.pointer,
      message,
      expected: 'a fixed name',
      found: from
    })
  } else if (expression.kind === 'literal') {
    const found = quoted(expression.value)
    report.add('must-exist-beforehand', {
      pointer: expression.pointer,
      message: `${found} must exist in the account and region.`,
      expected: 'that it exists',
      found
    })
  }
}

function checkName({ thingName: name, pointer }: ThingResource, context: CheckContext): void {
  const { template, report } = context
  if (name === undefined) {
    if (!template.isComplete) return
    report.add('thing-name-missing', {
      pointer: `${pointer}/Properties`,
      message: 'The thing has no ThingName.',
      expected: 'ThingName',
      found: 'nothing'
    })
    return
  }
  if (!checkLiteral(name, thingNaming, context)) checkNameForLater(name, context)
  const parameters = visibleParametersOf(name)
  if (parameters.includes(certificateIdParameter)) {
    const message = 'The thing is named by the certificate id.'
    report.add('thing-named-by-id', {
      pointer: name.pointer,
      message,
      expected: 'a subject field',
      found: quoted(certificateIdParameter)
    })
    return
  }
  const isShared = parameters.every(parameter => {
    const field = subjectFieldOf(parameter)
    return field !== undefined && isSharedField(field)
  })
  if (!isShared) return
  const found = parameters.length === 0 ? 'a fixed name' : parameters.join(', ')
  const message = `Many devices would share this thing name: it is made from ${found}.`
  report.add('thing-name-shared', {
    pointer: name.pointer,
    message,
    expected: 'a field that differs per device',
    found
  })
}

function checkAttributes(
  { attributes, thingTypeName: type, pointer }: ThingResource,
  context: CheckContext
): void {
  const { report } = context
  for (const attribute of attributes) {
    const problem = findNameProblem(attributeName, attribute.name)
    if (problem !== undefined) {
      const message = `The attribute name ${quoted(attribute.name)} ${problem.found}: ${problem.rule}.`
      report.addAtName('attribute-name-invalid', {
        pointer: attribute.pointer,
        message,
        expected: describeName(attributeName),
        found: quoted(attribute.name)
      })
    }
    checkLiteral(attribute.value, attributeValueNaming, context)
  }
  const most = type === undefined ? attributesWithoutType : attributesWithType
  if (attributes.length <= most) return
  const kind = type === undefined ? 'without a thing type' : 'with a thing type'
  const message = `The thing has ${attributes.length} attributes; ${kind} it can have ${most}.`
  const place = `${pointer}/Properties/AttributePayload`
  report.add('attributes-too-many', {
    pointer: place,
    message,
    expected: `at most ${most}`,
    found: String(attributes.length)
  })
}

function checkGroups({ thingGroups, packageVersions, pointer }: ThingResource, context: CheckContext): void {
  const { report } = context
  if (packageVersions !== undefined) {
    const place = `${pointer}/Properties/PackageVersions`
    report.addAtName('package-versions-not-predicted', {
      pointer: place,
      message: 'PackageVersions is not looked into.',
      expected: 'none',
      found: 'PackageVersions'
    })
  }
  if (thingGroups?.kind === 'split') checkExistence(thingGroups, context)
  if (thingGroups?.kind !== 'list') return
  const seen = new Set<string>()
  for (const group of thingGroups.items) {
    checkExisting(group, thingGroupNaming, context)
    const key = groupKey(group)
    if (group.kind === 'literal' && seen.has(key)) {
      report.add('thing-group-repeated', {
        pointer: group.pointer,
        message: `${quoted(group.value)} is named twice.`,
        expected: 'each group once',
        found: quoted(group.value)
      })
    }
    seen.add(key)
  }
  if (seen.size <= groupsPerThing) return
  report.add('thing-groups-too-many', {
    pointer: thingGroups.pointer,
    message: `The thing is put into ${seen.size} groups.`,
    expected: `at most ${groupsPerThing}`,
    found: String(seen.size)
  })
}

/** Equal for groups that are the same for every certificate: the thing joins such a group once. */
function groupKey(group: Expression): string {
  if (group.kind === 'literal') return `literal ${group.value}`
  return group.kind === 'ref' ? `ref ${group.name}` : `made at ${group.pointer}`
}

function checkOverrides({ overrides, pointer, logicalName }: ThingResource, context: CheckContext): void {
  if (overrides !== undefined) checkOverrideSettings(overrides, thingOverrides, context)
  else {
    const message = `${quoted(logicalName)} does not say what happens if the thing exists already.`
    context.report.addAtName('override-settings-missing', {
      pointer,
      message,
      expected: 'OverrideSettings',
      found: 'nothing'
    })
  }
}
