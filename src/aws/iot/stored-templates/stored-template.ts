import { isDenial } from '../../../aws-client/failure.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { TargetProvisioning } from '../ca-registration.ts'
import type { HeldTemplate, TemplateControl } from './template-control.ts'
import { adoptedVersionOf, describeOwnership, isDescribedAsOurs } from './template-ownership.ts'

/** The stored template that is asked for, in the account and region. */
type WantedTemplate = TargetProvisioning & { readonly templateName: string }

/**
 * Sees to it that the stored template of the account has the body, the role and is enabled. Body by body a new
 * version; the oldest gives way where there are as many as AWS allows.
 *
 * @returns what was done, or undefined where all was well.
 * @throws MintlineError `aws_template_not_ours` where somebody else made the one there is; `aws_refused` also where it is
 * for fleet provisioning.
 */
export async function provideTemplate(
  iot: TemplateControl,
  wanted: WantedTemplate
): Promise<string | undefined> {
  const { templateName, templateBody, roleArn, profile } = wanted
  const held = await iot.describeTemplate(templateName)
  const description = describeOwnership(profile)
  if (
    held === undefined &&
    (await iot.createTemplate({ templateName, templateBody, roleArn, description }))
  ) {
    return `created ${templateName}`
  }
  // Its creation was lost on the way back, or somebody else's came first.
  const template = held ?? (await iot.describeTemplate(templateName))
  if (template === undefined) throw gone(templateName)
  const done = await takeOver(iot, template, wanted)
  const isAdopted = done.length > 0
  const keptVersionId = isAdopted ? template.defaultVersionId : adoptedVersionOf(template)
  done.push(...(await updateTemplate(iot, template, { ...wanted, keptVersionId })))
  return done.length === 0 ? undefined : `${templateName}: ${done.join(', ')}`
}

/**
 * @throws MintlineError `aws_template_not_ours` where there is a stored template of that name that Mintline did not make;
 * `aws_refused`, `aws_unavailable`.
 */
export async function assertTemplateIsOurs(
  iot: Pick<TemplateControl, 'describeTemplate' | 'isTemplateTagged'>,
  templateName: string
): Promise<void> {
  const held = await iot.describeTemplate(templateName)
  if (held !== undefined && !(await isOurs(iot, held))) throw notOurs(templateName, held)
}

/** @returns what was done about it. */
async function takeOver(
  iot: TemplateControl,
  held: HeldTemplate,
  { templateName, profile, mayAdopt }: WantedTemplate
): Promise<string[]> {
  if (held.type !== 'JITP') throw wrongType(templateName, held.type)
  if (await isOurs(iot, held)) return []
  if (!mayAdopt) throw notOurs(templateName, held)
  const { templateArn, defaultVersionId, roleArn } = held
  await iot.markTemplate(templateName, {
    templateArn,
    description: describeOwnership(profile, defaultVersionId)
  })
  return [
    `adopted it; its default version was ${defaultVersionId} and its role ${roleArn}, which ` +
      `\`aws iot update-provisioning-template --template-name ${templateName} --default-version-id ${defaultVersionId} --provisioning-role-arn ${roleArn}\` brings back`
  ]
}

async function isOurs(iot: Pick<TemplateControl, 'isTemplateTagged'>, held: HeldTemplate): Promise<boolean> {
  if (isDescribedAsOurs(held)) return true
  try {
    return await iot.isTemplateTagged(held)
  } catch (error) {
    // What may not be looked at is taken for somebody else's.
    if (isDenial(error)) return false
    throw error
  }
}

async function updateTemplate(
  iot: TemplateControl,
  { templateBody, roleArn, enabled }: HeldTemplate,
  wanted: WantedTemplate & { readonly keptVersionId: number | undefined }
): Promise<string[]> {
  const done: string[] = []
  if (templateBody !== wanted.templateBody) {
    await addVersion(iot, wanted)
    done.push('gave it a new version')
  }
  if (roleArn !== wanted.roleArn || !enabled) {
    await iot.updateTemplate(wanted.templateName, wanted.roleArn)
    done.push(`enabled it with the role ${wanted.roleArn}`)
  }
  return done
}

async function addVersion(
  iot: TemplateControl,
  {
    templateName,
    templateBody,
    keptVersionId
  }: WantedTemplate & { readonly keptVersionId: number | undefined }
): Promise<void> {
  if (await iot.createTemplateVersion(templateName, templateBody)) return
  await iot.deleteOldestTemplateVersion(templateName, keptVersionId)
  if (await iot.createTemplateVersion(templateName, templateBody)) return
  throw new MintlineError(
    'aws_refused',
    `The stored template ${templateName} has as many versions as AWS allows, and none could be deleted.`
  )
}

function notOurs(templateName: string, { type, roleArn, defaultVersionId }: HeldTemplate): MintlineError {
  const violation = {
    pointer: '/templateName',
    expected: 'a name that is free, or a stored template that Mintline made',
    found: `${templateName}, of type ${type}, with the role ${roleArn}, in version ${defaultVersionId}`,
    message:
      type === 'JITP'
        ? 'Choose another templateName, or post it again with "adopt": true, which keeps its version for the way back.'
        : 'Choose another templateName: AWS never changes the type of a stored template.'
  }
  return new MintlineError(
    'aws_template_not_ours',
    `The account has a stored template ${templateName} that Mintline did not make. It was left as it is.`,
    { violations: [violation] }
  )
}

function wrongType(templateName: string, type: string): MintlineError {
  return new MintlineError(
    'aws_refused',
    `The stored template ${templateName} is of type ${type}, which AWS never changes. Ask for another templateName.`
  )
}

function gone(templateName: string): MintlineError {
  return new MintlineError(
    'aws_unavailable',
    `The stored template ${templateName} exists for AWS and yet is not there. It is tried again.`
  )
}
