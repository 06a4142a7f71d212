import { IotRefusal } from '../iot-refusal.ts'
import type { ProvisioningTemplateRecord, ProvisioningTemplateVersion, Tags } from '../records.ts'
import type { RegistryContext } from './context.ts'
import { assertName } from './names.ts'

type NewProvisioningTemplate = Pick<
  ProvisioningTemplateRecord,
  'templateName' | 'type' | 'description' | 'templateBody' | 'enabled' | 'provisioningRoleArn' | 'tags'
>

/** What is absent stays as it is. */
interface ProvisioningTemplateChange {
  readonly description?: string | undefined
  readonly enabled?: boolean | undefined
  readonly defaultVersionId?: number | undefined
  readonly provisioningRoleArn?: string | undefined
  /** All of them. */
  readonly tags?: Tags | undefined
}

export interface ProvisioningTemplates {
  createProvisioningTemplate(template: NewProvisioningTemplate): ProvisioningTemplateRecord
  /** Throws `ResourceNotFoundException`. */
  describeProvisioningTemplate(templateName: string): ProvisioningTemplateRecord
  updateProvisioningTemplate(templateName: string, change: ProvisioningTemplateChange): void
  /** Throws `DeleteConflictException` while a CA names it. */
  deleteProvisioningTemplate(templateName: string): void
  listProvisioningTemplates(): readonly ProvisioningTemplateRecord[]
  /** Throws `VersionsLimitExceededException` for the sixth. */
  createProvisioningTemplateVersion(
    templateName: string,
    templateBody: string,
    setAsDefault: boolean
  ): ProvisioningTemplateVersion
  /** Throws `ResourceNotFoundException`. */
  describeProvisioningTemplateVersion(templateName: string, versionId: number): ProvisioningTemplateVersion
  /** Throws `DeleteConflictException` for the default version. */
  deleteProvisioningTemplateVersion(templateName: string, versionId: number): void
}

const templatesMaximum = 256
const versionsMaximum = 5

export function createProvisioningTemplates(context: RegistryContext): ProvisioningTemplates {
  const { state, clock, changed } = context
  const describe = (templateName: string): ProvisioningTemplateRecord => {
    const template = state.templates.get(templateName)
    if (template !== undefined) return template
    throw new IotRefusal('ResourceNotFoundException', `Template ${templateName} not found.`)
  }
  const put = (template: ProvisioningTemplateRecord): ProvisioningTemplateRecord => {
    const { templateBody } = versionOf(template, template.defaultVersionId)
    const record = { ...template, templateBody, modifiedAt: clock() }
    state.templates.set(record.templateName, record)
    changed()
    return record
  }
  return {
    createProvisioningTemplate(template) {
      assertNew(context, template.templateName)
      const createdAt = clock()
      const versions = [{ versionId: 1, templateBody: template.templateBody, createdAt }]
      return put({ ...template, createdAt, modifiedAt: createdAt, defaultVersionId: 1, versions })
    },
    describeProvisioningTemplate: describe,
    updateProvisioningTemplate(templateName, change) {
      const template = describe(templateName)
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
      put({ ...template, ...given })
    },
    deleteProvisioningTemplate(templateName) {
      describe(templateName)
      assertNotNamed(context, templateName)
      state.templates.delete(templateName)
      changed()
    },
    listProvisioningTemplates: () => [...state.templates.values()],
    createProvisioningTemplateVersion(templateName, templateBody, setAsDefault) {
      const template = describe(templateName)
      if (template.versions.length >= versionsMaximum)
        throw new IotRefusal('VersionsLimitExceededException', 'The template has 5 versions already.')
      const versionId = Math.max(...template.versions.map(version => version.versionId)) + 1
      const version = { versionId, templateBody, createdAt: clock() }
      const defaultVersionId = setAsDefault ? versionId : template.defaultVersionId
      put({ ...template, defaultVersionId, versions: [...template.versions, version] })
      return version
    },
    describeProvisioningTemplateVersion: (templateName, versionId) =>
      versionOf(describe(templateName), versionId),
    deleteProvisioningTemplateVersion(templateName, versionId) {
      const template = describe(templateName)
      versionOf(template, versionId)
      if (versionId === template.defaultVersionId)
        throw new IotRefusal('DeleteConflictException', `Version ${versionId} is the default version.`)
      put({ ...template, versions: template.versions.filter(version => version.versionId !== versionId) })
    }
  }
}

function versionOf(template: ProvisioningTemplateRecord, versionId: number): ProvisioningTemplateVersion {
  const version = template.versions.find(other => other.versionId === versionId)
  if (version !== undefined) return version
  throw new IotRefusal(
    'ResourceNotFoundException',
    `Template ${template.templateName} has no version ${versionId}.`
  )
}

function assertNew({ state, arns }: RegistryContext, templateName: string): void {
  assertName('templateName', templateName)
  if (state.templates.has(templateName))
    throw new IotRefusal('ResourceAlreadyExistsException', `Template ${templateName} exists.`, {
      resourceId: templateName,
      resourceArn: arns.provisioningTemplateArn(templateName)
    })
  if (state.templates.size >= templatesMaximum)
    throw new IotRefusal('LimitExceededException', 'There are 256 templates already.')
}

function assertNotNamed({ state }: RegistryContext, templateName: string): void {
  for (const { registrationConfig } of state.caCertificates.values()) {
    if (registrationConfig !== null && 'templateName' in registrationConfig) {
      if (registrationConfig.templateName === templateName)
        throw new IotRefusal('DeleteConflictException', `A CA certificate names template ${templateName}.`)
    }
  }
}
