import { MintlineError } from '../../errors/mintline-error.ts'
import type { TargetProvisioning } from './ca-registration.ts'
import type { HeldTemplate, IotControl } from './iot-control.ts'

/**
 * Sees to it that the stored template of the account has the body, the role and is enabled. Body by body a new
 * version; the oldest gives way where there are as many as AWS allows.
 *
 * @returns what was done, or undefined where all was well.
 * @throws MintlineError `aws_refused` also where the template of that name is for fleet provisioning.
 */
export async function provideTemplate(
  iot: IotControl,
  templateName: string,
  { templateBody, roleArn }: TargetProvisioning
): Promise<string | undefined> {
  const held = await iot.describeTemplate(templateName)
  if (held === undefined && (await iot.createTemplate(templateName, templateBody, roleArn))) {
    return `created ${templateName}`
  }
  // Its creation was lost on the way back, or somebody else's came first.
  const template = held ?? (await iot.describeTemplate(templateName))
  if (template === undefined) throw gone(templateName)
  return updateTemplate(iot, template, { templateName, templateBody, roleArn })
}

async function updateTemplate(
  iot: IotControl,
  { type, templateBody, roleArn, enabled }: HeldTemplate,
  {
    templateName,
    ...wanted
  }: { readonly templateName: string } & Pick<TargetProvisioning, 'templateBody' | 'roleArn'>
): Promise<string | undefined> {
  if (type !== 'JITP') throw wrongType(templateName, type)
  const done: string[] = []
  if (templateBody !== wanted.templateBody) {
    await addVersion(iot, templateName, wanted.templateBody)
    done.push('gave it a new version')
  }
  if (roleArn !== wanted.roleArn || !enabled) {
    await iot.updateTemplate(templateName, wanted.roleArn)
    done.push(`enabled it with the role ${wanted.roleArn}`)
  }
  return done.length === 0 ? undefined : `${templateName}: ${done.join(', ')}`
}

async function addVersion(iot: IotControl, templateName: string, templateBody: string): Promise<void> {
  if (await iot.createTemplateVersion(templateName, templateBody)) return
  await iot.deleteOldestTemplateVersion(templateName)
  if (await iot.createTemplateVersion(templateName, templateBody)) return
  throw new MintlineError(
    'aws_refused',
    `The stored template ${templateName} has as many versions as AWS allows, and none could be deleted.`
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
