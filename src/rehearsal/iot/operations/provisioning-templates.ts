import { IotRefusal } from '../iot-refusal.ts'
import type { ProvisioningTemplateRecord, ProvisioningTemplateVersion } from '../records.ts'
import { parseRoleArn, parseTemplateBody } from './certificates/registration-config.ts'
import { type Call, epochSeconds, type Operation } from './operation.ts'
import { pageByToken } from './page.ts'
import { parseTags } from './tags.ts'

const descriptionMaximum = 500

export const provisioningTemplateOperations = {
  CreateProvisioningTemplate: { route: 'POST /provisioning-templates', run: createProvisioningTemplate },
  DescribeProvisioningTemplate: {
    route: 'GET /provisioning-templates/{templateName}',
    run({ registry, path }) {
      const template = registry.describeProvisioningTemplate(path.text('templateName'))
      const { defaultVersionId, templateBody, provisioningRoleArn } = template
      return { ...summarize(registry, template), defaultVersionId, templateBody, provisioningRoleArn }
    }
  },
  UpdateProvisioningTemplate: {
    route: 'PATCH /provisioning-templates/{templateName}',
    run({ registry, path, body }) {
      assertNoHook(body)
      const hasRole = body.optionalText('provisioningRoleArn') !== undefined
      registry.updateProvisioningTemplate(path.text('templateName'), {
        description: body.optionalText('description', descriptionMaximum),
        enabled: body.optionalFlag('enabled'),
        defaultVersionId: body.optionalInteger('defaultVersionId', 1, Number.MAX_SAFE_INTEGER),
        provisioningRoleArn: hasRole ? parseRoleArn(body, 'provisioningRoleArn') : undefined
      })
      return {}
    }
  },
  DeleteProvisioningTemplate: {
    route: 'DELETE /provisioning-templates/{templateName}',
    run({ registry, path }) {
      registry.deleteProvisioningTemplate(path.text('templateName'))
      return {}
    }
  },
  ListProvisioningTemplates: {
    route: 'GET /provisioning-templates',
    run({ registry, query }) {
      const templates = registry.listProvisioningTemplates()
      const { items, next } = pageByToken(query, templates, ({ templateName }) => templateName)
      return { templates: items.map(template => summarize(registry, template)), nextToken: next }
    }
  },
  CreateProvisioningTemplateVersion: {
    route: 'POST /provisioning-templates/{templateName}/versions',
    run({ registry, path, query, body }) {
      const templateName = path.text('templateName')
      const isDefaultVersion = query.flag('setAsDefault')
      const templateBody = parseTemplateBody(body)
      const version = registry.createProvisioningTemplateVersion(templateName, templateBody, isDefaultVersion)
      const templateArn = registry.provisioningTemplateArn(templateName)
      return { templateArn, templateName, versionId: version.versionId, isDefaultVersion }
    }
  },
  DescribeProvisioningTemplateVersion: {
    route: 'GET /provisioning-templates/{templateName}/versions/{versionId}',
    run(call) {
      const template = call.registry.describeProvisioningTemplate(call.path.text('templateName'))
      const version = call.registry.describeProvisioningTemplateVersion(
        template.templateName,
        parseVersionId(call)
      )
      return { ...summarizeVersion(template, version), templateBody: version.templateBody }
    }
  },
  ListProvisioningTemplateVersions: {
    route: 'GET /provisioning-templates/{templateName}/versions',
    run({ registry, path, query }) {
      const template = registry.describeProvisioningTemplate(path.text('templateName'))
      const { items, next } = pageByToken(query, template.versions, ({ versionId }) =>
        String(versionId).padStart(16, '0')
      )
      return { versions: items.map(version => summarizeVersion(template, version)), nextToken: next }
    }
  },
  DeleteProvisioningTemplateVersion: {
    route: 'DELETE /provisioning-templates/{templateName}/versions/{versionId}',
    run(call) {
      call.registry.deleteProvisioningTemplateVersion(call.path.text('templateName'), parseVersionId(call))
      return {}
    }
  }
} satisfies Readonly<Record<string, Operation>>

function createProvisioningTemplate({ registry, body }: Call): object {
  assertNoHook(body)
  const { templateName, defaultVersionId } = registry.createProvisioningTemplate({
    templateName: body.text('templateName'),
    type: body.optionalChoice('type', ['FLEET_PROVISIONING', 'JITP']) ?? 'FLEET_PROVISIONING',
    description: body.optionalText('description', descriptionMaximum) ?? '',
    templateBody: parseTemplateBody(body),
    enabled: body.flag('enabled'),
    provisioningRoleArn: parseRoleArn(body, 'provisioningRoleArn'),
    tags: parseTags(body)
  })
  const templateArn = registry.provisioningTemplateArn(templateName)
  return { templateArn, templateName, defaultVersionId }
}

/** Hooks are for fleet provisioning, which the stand-in does not do. */
function assertNoHook(body: Call['body']): void {
  if (body.optionalObject('preProvisioningHook') === undefined) return
  throw new IotRefusal('InvalidRequestException', 'The stand-in runs no pre-provisioning hook.')
}

function parseVersionId({ path }: Call): number {
  const versionId = path.optionalInteger('versionId', 1, Number.MAX_SAFE_INTEGER)
  if (versionId !== undefined) return versionId
  throw new IotRefusal('InvalidRequestException', 'versionId must not be null.')
}

function summarize(registry: Call['registry'], template: ProvisioningTemplateRecord): object {
  const { templateName, description, createdAt, modifiedAt, enabled, type } = template
  return {
    templateArn: registry.provisioningTemplateArn(templateName),
    templateName,
    description,
    creationDate: epochSeconds(createdAt),
    lastModifiedDate: epochSeconds(modifiedAt),
    enabled,
    type
  }
}

function summarizeVersion(
  template: ProvisioningTemplateRecord,
  version: ProvisioningTemplateVersion
): object {
  return {
    versionId: version.versionId,
    creationDate: epochSeconds(version.createdAt),
    isDefaultVersion: version.versionId === template.defaultVersionId
  }
}
