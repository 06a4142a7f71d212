import {
  CreateProvisioningTemplateCommand,
  CreateProvisioningTemplateVersionCommand,
  DeleteProvisioningTemplateVersionCommand,
  DescribeProvisioningTemplateCommand,
  type IoTClient,
  ListProvisioningTemplateVersionsCommand,
  ListTagsForResourceCommand,
  type ProvisioningTemplateVersionSummary,
  TagResourceCommand,
  UpdateProvisioningTemplateCommand
} from '@aws-sdk/client-iot'
import { type InTurn, orUndefined, unless } from '../in-turn.ts'
import { ownerTag } from './template-ownership.ts'

export interface HeldTemplate {
  readonly templateArn: string
  readonly description: string
  readonly templateBody: string
  readonly type: string
  readonly enabled: boolean
  readonly roleArn: string
  readonly defaultVersionId: number
}

interface NewTemplate {
  readonly templateName: string
  readonly templateBody: string
  readonly roleArn: string
  readonly description: string
}

/** The stored templates of the account and region. Throws as `IotControl` does. */
export interface TemplateControl {
  /** Undefined where there is none. */
  describeTemplate(templateName: string): Promise<HeldTemplate | undefined>
  /** Of type JITP and enabled, and marked as Mintline's. False when there is one of that name already. */
  createTemplate(template: NewTemplate): Promise<boolean>
  /** Enables it. */
  updateTemplate(templateName: string, roleArn: string): Promise<void>
  /** Gives it the description and Mintline's tag. */
  markTemplate(templateName: string, held: Pick<HeldTemplate, 'templateArn' | 'description'>): Promise<void>
  /** Whether it has Mintline's tag. */
  isTemplateTagged(held: Pick<HeldTemplate, 'templateArn'>): Promise<boolean>
  /** Makes the body its default version. False when there are as many versions as there may be. */
  createTemplateVersion(templateName: string, body: string): Promise<boolean>
  /** Deletes the oldest version that is neither the default one nor to be kept. */
  deleteOldestTemplateVersion(templateName: string, kept: number | undefined): Promise<void>
}

export function createTemplateControl(client: IoTClient, inTurn: InTurn): TemplateControl {
  return {
    ...versionOperations(client, inTurn),
    describeTemplate: (templateName: string) =>
      inTurn('DescribeProvisioningTemplate', async abortSignal => {
        const command = new DescribeProvisioningTemplateCommand({ templateName })
        const reply = await orUndefined(client.send(command, { abortSignal }))
        return (
          reply && {
            templateArn: reply.templateArn ?? '',
            description: reply.description ?? '',
            templateBody: reply.templateBody ?? '',
            type: reply.type ?? 'FLEET_PROVISIONING',
            enabled: reply.enabled === true,
            roleArn: reply.provisioningRoleArn ?? '',
            defaultVersionId: reply.defaultVersionId ?? 0
          }
        )
      }),
    createTemplate: ({ roleArn: provisioningRoleArn, ...template }: NewTemplate) =>
      inTurn('CreateProvisioningTemplate', async abortSignal => {
        const command = new CreateProvisioningTemplateCommand({
          ...template,
          provisioningRoleArn,
          type: 'JITP',
          enabled: true,
          tags: [ownerTag]
        })
        return unless('ResourceAlreadyExistsException', client.send(command, { abortSignal }))
      }),
    updateTemplate: (templateName: string, provisioningRoleArn: string) =>
      inTurn('UpdateProvisioningTemplate', async abortSignal => {
        const command = new UpdateProvisioningTemplateCommand({
          templateName,
          provisioningRoleArn,
          enabled: true
        })
        await client.send(command, { abortSignal })
      }),
    async markTemplate(
      templateName: string,
      { templateArn: resourceArn, description }: Pick<HeldTemplate, 'templateArn' | 'description'>
    ) {
      // First: it also says which version to keep.
      await inTurn('UpdateProvisioningTemplate', abortSignal =>
        client.send(new UpdateProvisioningTemplateCommand({ templateName, description }), { abortSignal })
      )
      await inTurn('TagResource', abortSignal =>
        client.send(new TagResourceCommand({ resourceArn, tags: [ownerTag] }), { abortSignal })
      )
    },
    isTemplateTagged: ({ templateArn: resourceArn }: Pick<HeldTemplate, 'templateArn'>) =>
      inTurn('ListTagsForResource', async abortSignal => {
        const { tags = [] } = await client.send(new ListTagsForResourceCommand({ resourceArn }), {
          abortSignal
        })
        return tags.some(({ Key, Value }) => Key === ownerTag.Key && Value === ownerTag.Value)
      })
  }
}

function versionOperations(client: IoTClient, inTurn: InTurn) {
  return {
    createTemplateVersion: (templateName: string, templateBody: string) =>
      inTurn('CreateProvisioningTemplateVersion', async abortSignal => {
        const command = new CreateProvisioningTemplateVersionCommand({
          templateName,
          templateBody,
          setAsDefault: true
        })
        return unless('VersionsLimitExceededException', client.send(command, { abortSignal }))
      }),
    async deleteOldestTemplateVersion(templateName: string, kept: number | undefined) {
      const listed = await inTurn('ListProvisioningTemplateVersions', abortSignal =>
        client.send(new ListProvisioningTemplateVersionsCommand({ templateName }), { abortSignal })
      )
      const versionId = oldestSpare(listed.versions, kept)
      if (versionId === undefined) return
      await inTurn('DeleteProvisioningTemplateVersion', async abortSignal => {
        const command = new DeleteProvisioningTemplateVersionCommand({ templateName, versionId })
        await client.send(command, { abortSignal })
      })
    }
  }
}

function oldestSpare(
  versions: readonly ProvisioningTemplateVersionSummary[] = [],
  kept: number | undefined
): number | undefined {
  const spare = versions
    .filter(({ isDefaultVersion }) => isDefaultVersion !== true)
    .flatMap(({ versionId }) => versionId ?? [])
    .filter(versionId => versionId !== kept)
  return spare.length === 0 ? undefined : Math.min(...spare)
}
