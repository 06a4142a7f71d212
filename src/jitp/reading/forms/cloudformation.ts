import { pointerTo } from '../json/places.ts'
import type { JsonObject, JsonValue } from '../json/source.ts'
import { isJsonObject } from '../json/value.ts'
import { storedTypeOf, type TemplateHolder } from './holder.ts'

const stackMembers = ['AWSTemplateFormatVersion', 'Outputs', 'Transform', 'Conditions', 'Metadata', 'Rules']
const provisioningTemplateType = 'AWS::IoT::ProvisioningTemplate'
const caCertificateType = 'AWS::IoT::CACertificate'

/** Whether an object is a template of CloudFormation, as people write it and CDK and SAM make it. */
export function isCloudFormationStack(value: JsonObject): boolean {
  if (value.AWSTemplateFormatVersion !== undefined) return true
  if (!isJsonObject(value.Resources)) return false
  const types = Object.values(value.Resources).map(resource =>
    isJsonObject(resource) ? resource.Type : null
  )
  if (types.includes(provisioningTemplateType) || types.includes(caCertificateType)) return true
  const isForeign = (type: JsonValue | undefined) =>
    typeof type === 'string' && /^(?:AWS::(?!IoT::)\w+::|Custom::)\w/.test(type)
  return types.some(isForeign) || stackMembers.some(name => value[name] !== undefined)
}

/** The provisioning templates of a stack, and those that it registers CA certificates with. */
export function findInStack(stack: JsonObject): readonly TemplateHolder[] {
  if (!isJsonObject(stack.Resources)) return []
  return Object.entries(stack.Resources).flatMap(([name, resource]): TemplateHolder[] => {
    if (!isJsonObject(resource) || !isJsonObject(resource.Properties)) return []
    const properties = resource.Properties
    const pointer = pointerTo(pointerTo('/Resources', name), 'Properties')
    if (resource.Type === provisioningTemplateType) {
      const type = storedTypeOf(properties.TemplateType)
      const names = { body: 'TemplateBody', roleArn: 'ProvisioningRoleArn' }
      return [{ name, pointer, members: properties, ...names, type }]
    }
    if (resource.Type !== caCertificateType) return []
    return configsOf(properties.RegistrationConfig).map(members => ({
      name,
      pointer: pointerTo(pointer, 'RegistrationConfig'),
      members,
      body: 'TemplateBody',
      roleArn: 'RoleArn',
      type: undefined
    }))
  })
}

/** A registration config that carries a body, and does not only name a stored template. */
function configsOf(config: JsonValue | undefined): readonly JsonObject[] {
  return isJsonObject(config) && config.TemplateBody !== undefined ? [config] : []
}
