import type { JsonObject, JsonValue } from './json/source.ts'
import { isJsonObject } from './json/value.ts'
import { isIntrinsic } from './parsing/expression.ts'
import type { TemplateSource } from './template-source.ts'

/** Stands in where no role is known; AWS refuses it, so that it cannot be forgotten. */
export const roleArnPlaceholder = 'arn:aws:iam::<account>:role/<role>'

/**
 * The text of the file that `aws iot register-ca-certificate --registration-config file://…` takes. The template
 * becomes a string in it, without spaces; policy documents become strings within that string and the certificate's
 * status upper case, as AWS documents them. Read back, it is the same template.
 */
export function exportRegistrationConfig(template: JsonObject, roleArn: string): string {
  const config = { templateBody: bodyTextOf({ value: template, bodyText: undefined }), roleArn }
  return `${JSON.stringify(config, null, 2)}\n`
}

/**
 * The body as AWS would store it: as it is where it was given as a string, else as `exportRegistrationConfig` writes
 * it. Empty where no template was found.
 */
export function bodyTextOf({ value, bodyText }: Pick<TemplateSource, 'value' | 'bodyText'>): string {
  return bodyText ?? (value === undefined ? '' : JSON.stringify(normaliseTemplate(value)))
}

function normaliseTemplate(template: JsonObject): JsonObject {
  return mapMember(template, 'Resources', resources =>
    mapMembers(resources, resource =>
      isJsonObject(resource)
        ? mapMember(resource, 'Properties', properties => normaliseProperties(properties, resource.Type))
        : resource
    )
  )
}

function normaliseProperties(properties: JsonObject, type: JsonValue | undefined): JsonObject {
  return mapMembers(properties, (value, name) => {
    if (
      type === 'AWS::IoT::Policy' &&
      name === 'PolicyDocument' &&
      isJsonObject(value) &&
      !isIntrinsic(value)
    ) {
      return JSON.stringify(value)
    }
    if (type === 'AWS::IoT::Certificate' && name === 'Status' && typeof value === 'string')
      return value.toUpperCase()
    return value
  })
}

function mapMember(object: JsonObject, member: string, map: (value: JsonObject) => JsonValue): JsonObject {
  return mapMembers(object, (value, name) => (name === member && isJsonObject(value) ? map(value) : value))
}

function mapMembers(object: JsonObject, map: (value: JsonValue, name: string) => JsonValue): JsonObject {
  const mapped = Object.create(null) as Record<string, JsonValue>
  for (const [name, value] of Object.entries(object)) mapped[name] = map(value, name)
  return mapped
}
