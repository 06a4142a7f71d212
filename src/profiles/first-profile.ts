import { examineTemplate } from '../jitp/checks/check.ts'
import { compileTemplate, requiredSubjectFields, thingNameFields } from '../jitp/evaluation/compile.ts'
import { isRoleArn } from '../jitp/reading/role-arn.ts'
import type { TemplateSource } from '../jitp/reading/template-source.ts'
import { isSharedField } from '../jitp/template/certificate-parameter.ts'
import type { TemplateSwitches } from '../jitp/template/options.ts'
import type { ProfileDocument } from './document.ts'
import { completeProfile, defaultSubject } from './request.ts'

export interface FirstProfileChoices {
  readonly name: string
  readonly authority: string
  readonly switches: TemplateSwitches
}

/**
 * The profile to begin with for a provisioning template: the fields that the template declares are required, and the
 * fields that it names things by are the device; CommonName where it names things by something else. The rest are
 * the defaults.
 *
 * @throws MintlineError `profile_invalid` where AWS IoT would not provision by the template.
 */
export function buildFirstProfile(source: TemplateSource, choices: FirstProfileChoices): ProfileDocument {
  const { name, authority, switches: options } = choices
  const { serialNumberSource, ...jitp } = options
  const compiled = compileTemplate(examineTemplate(source, options), options)
  const naming = thingNameFields(compiled)
  const deviceIdentity = naming.some(field => !isSharedField(field)) ? [...naming] : ['CommonName' as const]
  const required = new Set([...requiredSubjectFields(compiled), ...deviceIdentity])
  const ofSwitches = { ...(serialNumberSource !== undefined && { serialNumberSource }), jitp }
  const subject: ProfileDocument['subject'] = {}
  for (const [field, rule] of Object.entries(defaultSubject)) {
    const key = field as keyof typeof defaultSubject
    if (required.has(key)) subject[key] = { ...rule, rule: 'required' }
    // What a default asks for is asked for only where something comes of it.
    else subject[key] = { ...rule, rule: 'allowed' }
  }
  return completeProfile({ name, authority, ...templateOf(source), ...ofSwitches, subject, deviceIdentity })
}

function templateOf({
  value,
  bodyText,
  roleArn
}: TemplateSource): Pick<ProfileDocument, 'template' | 'registrationConfig'> {
  if (bodyText !== undefined && roleArn !== undefined && isRoleArn(roleArn))
    return { registrationConfig: { templateBody: bodyText, roleArn } }
  return { template: { ...value } }
}
