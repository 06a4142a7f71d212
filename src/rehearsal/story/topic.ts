interface Statement {
  readonly Effect?: unknown
  readonly Action?: unknown
  readonly Resource?: unknown
}

/**
 * A topic that the policies seem to let the device publish to: the first that an Allow of iot:Publish names, with its
 * wildcards and variables filled in. Undefined when none does, or none without a variable that is not known here.
 */
export function findTopic(
  policyDocuments: readonly string[],
  device: { readonly clientId: string; readonly thingName: string | null }
): string | undefined {
  const resources = policyDocuments
    .flatMap(document => listOf((JSON.parse(document) as { Statement?: unknown }).Statement) as Statement[])
    .filter(({ Effect, Action }) => Effect === 'Allow' && listOf(Action).some(allowsPublish))
    .flatMap(({ Resource }) => listOf(Resource))
  for (const resource of resources) {
    if (resource === '*') return 'rehearsal/hello'
    const topic = /^arn:aws[a-z-]*:iot:[^:]*:[^:]*:topic\/(.+)$/.exec(String(resource))?.[1]
    const filledIn = topic && fillIn(topic, device)
    if (filledIn && !filledIn.includes('${')) return filledIn
  }
  return undefined
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

const allowsPublish = (action: unknown) =>
  typeof action === 'string' && ['iot:publish', 'iot:*', '*'].includes(action.toLowerCase())

function fillIn(
  topic: string,
  { clientId, thingName }: { clientId: string; thingName: string | null }
): string {
  return topic
    .replaceAll(/\$\{iot:Connection\.Thing\.ThingName\}/gi, () => thingName ?? clientId)
    .replaceAll(/\$\{iot:ClientId\}/gi, () => clientId)
    .replaceAll('*', 'rehearsal')
    .replaceAll('?', 'x')
}
