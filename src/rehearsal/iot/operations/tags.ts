import { IotRefusal } from '../iot-refusal.ts'
import type { ProvisioningTemplateRecord, Tags } from '../records.ts'
import type { Registry } from '../registry/registry.ts'
import type { Members } from '../wire.ts'
import type { Operation } from './operation.ts'
import { pageByToken } from './page.ts'

/** AWS General Reference, "Tagging your AWS resources". */
const tagsMaximum = 50
const keyMaximum = 128
const valueMaximum = 256

/** Provisioning templates alone have tags here. */
export const tagOperations = {
  TagResource: {
    route: 'POST /tags',
    run({ registry, body }) {
      const { templateName, tags = {} } = taggedTemplate(registry, body)
      registry.updateProvisioningTemplate(templateName, { tags: assertFew({ ...tags, ...parseTags(body) }) })
      return {}
    }
  },
  UntagResource: {
    route: 'POST /untag',
    run({ registry, body }) {
      const { templateName, tags = {} } = taggedTemplate(registry, body)
      const gone = body.optionalTexts('tagKeys') ?? []
      const left = Object.entries(tags).filter(([key]) => !gone.includes(key))
      registry.updateProvisioningTemplate(templateName, { tags: Object.fromEntries(left) })
      return {}
    }
  },
  ListTagsForResource: {
    route: 'GET /tags',
    run({ registry, query }) {
      const tags = Object.entries(taggedTemplate(registry, query).tags ?? {})
      const { items, next } = pageByToken(query, tags, ([key]) => key)
      return { tags: items.map(([Key, Value]) => ({ Key, Value })), nextToken: next }
    }
  }
} satisfies Readonly<Record<string, Operation>>

/** The member `tags` of a body, `{ Key, Value }` each. Throws `InvalidRequestException`. */
export function parseTags(body: Members): Tags {
  const tags = (body.optionalObjects('tags') ?? []).map(
    tag => [tag.text('Key', keyMaximum), tag.optionalText('Value', valueMaximum) ?? ''] as const
  )
  return assertFew(Object.fromEntries(tags))
}

function assertFew(tags: Tags): Tags {
  if (Object.keys(tags).length <= tagsMaximum) return tags
  throw new IotRefusal('InvalidRequestException', `A resource has at most ${tagsMaximum} tags.`)
}

function taggedTemplate(registry: Registry, members: Members): ProvisioningTemplateRecord {
  const resourceArn = members.text('resourceArn')
  const prefix = registry.provisioningTemplateArn('')
  if (resourceArn.startsWith(prefix))
    return registry.describeProvisioningTemplate(resourceArn.slice(prefix.length))
  throw new IotRefusal(
    'InvalidRequestException',
    `The stand-in keeps tags of provisioning templates alone, not of ${resourceArn}.`
  )
}
