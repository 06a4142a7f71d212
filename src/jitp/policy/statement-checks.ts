import { quoted } from '../findings/finding.ts'
import type { RegistrationPlace } from '../template/registration-place.ts'
import type { DocumentReport } from './document-report.ts'
import type { PolicySurroundings } from './matching/resource.ts'
import {
  type DeviceAction,
  iotActionNames,
  type ResourceType,
  resourceTypes
} from './reference/device-actions.ts'
import { nearestName } from './reference/nearest.ts'
import type { PolicyAction, PolicyResource, PolicyStatement } from './statement.ts'

const exampleOf: Readonly<Record<ResourceType, string>> = {
  client: 'arn:aws:iot:REGION:ACCOUNT:client/…',
  topic: 'arn:aws:iot:REGION:ACCOUNT:topic/…',
  topicfilter: 'arn:aws:iot:REGION:ACCOUNT:topicfilter/…',
  thing: 'arn:aws:iot:REGION:ACCOUNT:thing/…',
  rolealias: 'arn:aws:iot:REGION:ACCOUNT:rolealias/…'
}

/** Reports what a statement names and AWS IoT does not know or never asks about. */
export function checkStatement(
  statement: PolicyStatement,
  surroundings: PolicySurroundings,
  report: DocumentReport
): void {
  for (const action of statement.actions) checkAction(action, statement, report)
  const isEverything = allowsEverything(statement)
  if (isEverything) {
    report.add('policy-allows-everything', {
      pointer: statement.pointer,
      message: 'The policy allows every action on everything.',
      expected: 'named actions and topics',
      found: 'iot:* on *'
    })
  }
  const blamed = statement.resources.filter(resource =>
    checkResource(resource, statement, { place: surroundings.place, report })
  )
  for (const action of statement.actions) checkFit(action, { statement, blamed }, report)
  if (!isEverything) for (const resource of statement.resources) checkWidth(resource, statement, report)
}

function allowsEverything({ effect, actions, resources }: PolicyStatement): boolean {
  return (
    effect === 'Allow' &&
    actions.some(({ text }) => text === '*' || text.toLowerCase() === 'iot:*') &&
    resources.some(({ text }) => text === '*')
  )
}

function checkAction(
  { text, pointer, meaning }: PolicyAction,
  { effect }: PolicyStatement,
  report: DocumentReport
): void {
  const found = quoted(text)
  if (text !== '*' && !text.includes(':')) {
    report.invalid(pointer, 'an action such as iot:Publish', found)
  } else if (meaning.kind === 'unknown') {
    const near = nearestName(text, iotActionNames)
    const advice = near === undefined ? '' : ` Did you mean ${quoted(near)}?`
    report.add('policy-action-unknown', {
      pointer,
      index: 0,
      message: `AWS IoT has no action ${found}.${advice}`,
      expected: near ?? 'an action of AWS IoT',
      found
    })
  } else if (meaning.kind === 'other-service' && effect === 'Allow') {
    const near = nearestName(`iot:${text.slice(text.indexOf(':') + 1)}`, iotActionNames)
    report.add('policy-action-of-other-service', {
      pointer,
      index: 0,
      message: `${found} is an action of another service.`,
      expected: near ?? 'actions of AWS IoT',
      found
    })
  } else if (meaning.kind === 'control-plane' && effect === 'Allow') {
    report.add('policy-action-not-for-devices', {
      pointer,
      index: 0,
      message: `${found} is decided by IAM: no device can do it with its certificate.`,
      expected: 'iot:Connect, iot:Publish, iot:Subscribe, iot:Receive, …',
      found
    })
  }
}

interface Judgement {
  readonly place: RegistrationPlace
  readonly report: DocumentReport
}

/** Answers whether it said something that makes the resource useless. */
function checkResource(
  resource: PolicyResource,
  { actions }: PolicyStatement,
  judgement: Judgement
): boolean {
  const { report } = judgement
  const { text, pointer, types, typesHere } = resource
  const found = quoted(text)
  // What an action of another service is allowed on is not known here.
  const known = actions.flatMap(({ meaning }) =>
    meaning.kind === 'device' && !meaning.isOpen ? [meaning.actions] : []
  )
  if (types === undefined || known.length === 0) return false
  checkMqttWildcard(resource, report)
  const isAllKnown = known.length === actions.length
  if (types.length === 0) {
    const isOfIot = /^arn:[^:]*:iot:/.test(text) || !text.startsWith('arn:')
    if (!isAllKnown && !isOfIot) return false
    report.add('policy-resource-matches-nothing', {
      pointer,
      index: 0,
      message: `${found} is the ARN of nothing that a device is judged by.`,
      expected: mendedArn(text) ?? typesOf(known.flat()).map(type => exampleOf[type])[0] ?? '*',
      found
    })
    return true
  }
  if (isAllKnown && !known.flat().some(action => fits(action, resource))) {
    const wanted = typesOf(known.flat())
    report.add('policy-resource-not-of-action', {
      pointer,
      index: 0,
      message: `${found} is never a resource of ${[...new Set(actions.map(action => action.text))].join(', ')}.`,
      expected: wanted.length === 0 ? '*' : wanted.map(type => exampleOf[type]).join(' or '),
      found
    })
    return true
  }
  return typesHere?.length === 0 && reportElsewhere(resource, judgement)
}

/** Variables that nothing fills were reported as such. */
function reportElsewhere(
  { text, pointer, isElsewhere }: PolicyResource,
  { place: { partition, region, accountId }, report }: Judgement
): boolean {
  if (!isElsewhere) return true
  const found = quoted(text)
  report.add('policy-resource-elsewhere', {
    pointer,
    index: 0,
    message: `${found} is in another account, region or partition than the registration.`,
    expected: `arn:${partition ?? '…'}:iot:${region ?? '…'}:${accountId ?? '…'}:…`,
    found
  })
  return true
}

function typesOf(actions: readonly DeviceAction[]): readonly ResourceType[] {
  return resourceTypes.filter(type => actions.some(action => action.resourceTypes.includes(type)))
}

/** What is allowed on `*` alone has no type. */
function fits({ resourceTypes: wanted }: DeviceAction, { text, types }: PolicyResource): boolean {
  if (wanted.length === 0) return text === '*'
  return types === undefined || wanted.some(type => types.includes(type))
}

function checkFit(
  { text, pointer, meaning }: PolicyAction,
  {
    statement: { resources },
    blamed
  }: { readonly statement: PolicyStatement; readonly blamed: readonly PolicyResource[] },
  report: DocumentReport
): void {
  if (meaning.kind !== 'device' || meaning.isOpen) return
  const isUseful = meaning.actions.some(action => resources.some(resource => fits(action, resource)))
  if (isUseful || resources.every(resource => blamed.includes(resource))) return
  const wanted = typesOf(meaning.actions)
  report.add('policy-resource-not-of-action', {
    pointer,
    index: 0,
    message: `${quoted(text)} has no resource in this statement that it could be allowed on.`,
    expected: wanted.length === 0 ? '*' : wanted.map(type => exampleOf[type]).join(' or '),
    found: 'other resources'
  })
}

/** `:topic:/a` and `:/topic/a` are slips of the pen. */
function mendedArn(text: string): string | undefined {
  const mended = text.replace(/:(client|topic|topicfilter|thing|rolealias):\/?/, ':$1/')
  return mended === text ? undefined : quoted(mended)
}

/** MQTT's own wildcards are characters like others to a policy; no topic's name has them, a filter may. */
function checkMqttWildcard({ text, pointer, types }: PolicyResource, report: DocumentReport): void {
  const start = /:(topic|topicfilter)\//.exec(text)
  if (start === null || types?.length === 0) return
  const name = start.index + start[0].length
  const index = text.slice(name).search(/[+#]/)
  if (index < 0) return
  const isFilter = start[1] === 'topicfilter'
  report.add(isFilter ? 'policy-mqtt-wildcard-in-filter' : 'policy-mqtt-wildcard', {
    pointer,
    index: name + index,
    message: isFilter
      ? `${quoted(text.slice(name))} is that one filter, as it is written.`
      : `${quoted(text.slice(name))} matches no topic: policies know the wildcards * and ? alone.`,
    expected: '* or ?',
    found: quoted(text.charAt(name + index))
  })
}

function checkWidth(
  { text, pointer, types }: PolicyResource,
  { effect, actions, conditions }: PolicyStatement,
  report: DocumentReport
): void {
  if (effect !== 'Allow' || conditions.length > 0) return
  const isAll = (type: ResourceType) =>
    type !== 'client' &&
    types?.includes(type) === true &&
    (/(?:^|:)\*$/.test(text) || text.endsWith(`:${type}/*`))
  const wide = actions
    .flatMap(({ meaning }) => (meaning.kind === 'device' ? meaning.actions : []))
    .find(action => action.resourceTypes.some(isAll))
  const type = wide?.resourceTypes.find(isAll)
  if (wide === undefined || type === undefined) return
  report.add('policy-resource-wide', {
    pointer,
    index: 0,
    message: `${quoted(text)} allows ${wide.name} on every ${type} of the account and region.`,
    expected: 'the topics and things of the device',
    found: quoted(text)
  })
}
