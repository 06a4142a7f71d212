import { pointerTo } from '../json/places.ts'
import type { JsonObject, JsonValue } from '../json/source.ts'
import { isJsonList, isJsonObject } from '../json/value.ts'
import type { TextPiece } from './cloudformation-value.ts'
import { storedTypeOf, type TemplateHolder } from './holder.ts'

/**
 * The provisioning templates in the JSON of Terraform and OpenTofu: what `terraform show -json` prints of a plan or a
 * state, a state file, and a configuration in JSON. Undefined where the object is none of these.
 */
export function findInTerraform(value: JsonObject): readonly TemplateHolder[] | undefined {
  if (typeof value.format_version === 'string') {
    for (const name of ['planned_values', 'values']) {
      const values = value[name]
      if (!isJsonObject(values)) continue
      return findInModule(values.root_module, pointerTo(pointerTo('', name), 'root_module'))
    }
    return undefined
  }
  if (typeof value.terraform_version === 'string' && isJsonList(value.resources))
    return findInState(value.resources)
  if (!isJsonObject(value.resource)) return undefined
  const types = Object.keys(value.resource)
  return types.length > 0 && types.every(isResourceType) ? findInConfiguration(value.resource) : undefined
}

/**
 * The pieces of a text of Terraform's language, in which `$${` stands for `${`. Undefined where it has something that only
 * Terraform can fill in.
 */
export function readTerraformText(text: string, pointer: string): readonly TextPiece[] | undefined {
  if (/(?<![$%])[$%]\{/.test(text)) return undefined
  let from = 0
  const pieces: TextPiece[] = []
  for (const { index } of text.matchAll(/[$%](?=[$%]\{)/g)) {
    pieces.push({ pointer, text: text.slice(from, index), from })
    from = index + 1
  }
  return [...pieces, { pointer, text: text.slice(from), from }]
}

function isResourceType(name: string): boolean {
  return /^[a-z][a-z0-9]*_[a-z0-9_]+$/.test(name)
}

function findInModule(module: JsonValue | undefined, pointer: string): readonly TemplateHolder[] {
  if (!isJsonObject(module)) return []
  const resources = isJsonList(module.resources) ? module.resources : []
  const children = isJsonList(module.child_modules) ? module.child_modules : []
  return [
    ...resources.flatMap((resource, index) => {
      if (!isJsonObject(resource)) return []
      const place = pointerTo(pointerTo(pointerTo(pointer, 'resources'), index), 'values')
      return holdersOf(resource.type, resource.values, { name: nameOf(resource.address), pointer: place })
    }),
    ...children.flatMap((child, index) =>
      findInModule(child, pointerTo(pointerTo(pointer, 'child_modules'), index))
    )
  ]
}

function findInState(resources: readonly JsonValue[]): readonly TemplateHolder[] {
  return resources.flatMap((resource, index) => {
    if (!isJsonObject(resource) || !isJsonList(resource.instances) || resource.mode === 'data') return []
    const name = `${nameOf(resource.type)}.${nameOf(resource.name)}`
    const pointer = pointerTo(pointerTo(pointerTo('', 'resources'), index), 'instances')
    return resource.instances.flatMap((instance, place) =>
      isJsonObject(instance)
        ? holdersOf(resource.type, instance.attributes, {
            name,
            pointer: pointerTo(pointerTo(pointer, place), 'attributes')
          })
        : []
    )
  })
}

function findInConfiguration(types: JsonObject): readonly TemplateHolder[] {
  const holders = Object.entries(types).flatMap(([type, blocks]) =>
    Object.entries(isJsonObject(blocks) ? blocks : {}).flatMap(([name, block]) => {
      const pointer = pointerTo(pointerTo(pointerTo('', 'resource'), type), name)
      const place = { name: `${type}.${name}`, pointer }
      if (!isJsonList(block)) return holdersOf(type, block, place)
      return block.flatMap((each, index) =>
        holdersOf(type, each, { name: place.name, pointer: pointerTo(pointer, index) })
      )
    })
  )
  return holders.map(holder => ({ ...holder, isTerraformText: true }))
}

function holdersOf(
  type: JsonValue | undefined,
  members: JsonValue | undefined,
  place: { readonly name: string; readonly pointer: string }
): readonly TemplateHolder[] {
  if (!isJsonObject(members)) return []
  if (type === 'aws_iot_provisioning_template' || type === 'awscc_iot_provisioning_template') {
    const names = { body: 'template_body', roleArn: 'provisioning_role_arn' }
    return [{ ...place, members, ...names, type: storedTypeOf(members.type ?? members.template_type) }]
  }
  if (type !== 'aws_iot_ca_certificate') return []
  const configs = members.registration_config
  const pointer = pointerTo(place.pointer, 'registration_config')
  const list = isJsonList(configs) ? configs : [configs ?? null]
  return list.flatMap((config, index): TemplateHolder[] => {
    if (!isJsonObject(config) || typeof config.template_body !== 'string') return []
    const own = isJsonList(configs) ? pointerTo(pointer, index) : pointer
    const names = { body: 'template_body', roleArn: 'role_arn' }
    return [{ name: place.name, pointer: own, members: config, ...names, type: undefined }]
  })
}

function nameOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : 'unnamed'
}
