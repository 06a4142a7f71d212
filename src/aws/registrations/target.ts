import { hash } from 'node:crypto'
import { MintlineError } from '../../errors/mintline-error.ts'
import { type RequiredAction, requiredActions } from '../../jitp/policy/required-actions.ts'
import { type TemplateReference, templateReferences } from '../../jitp/template/references.ts'
import type { Profiles } from '../../profiles/profile.ts'
import { readProfileTemplate, templateBodyOf } from '../../profiles/template.ts'
import type { ProfileVersion } from '../../profiles/version.ts'
import type { TargetRegistration } from '../iot/ca-registration.ts'
import type { DesiredRegistration } from './desired-registration.ts'

export interface ResolvedTarget {
  readonly target: TargetRegistration
  /** What the provisioning role must allow; none for just-in-time registration. */
  readonly actions: readonly RequiredAction[]
  /** What the template names and the account must have. */
  readonly references: readonly TemplateReference[]
}

/**
 * What AWS IoT is to hold, from what is asked for and the newest version of the profile.
 *
 * @throws MintlineError `profile_not_found`; `aws_registration_invalid` when the body is not the one whose SHA-256
 * the profile's version records.
 */
export async function resolveTarget(
  desired: DesiredRegistration,
  profiles: Pick<Profiles, 'find'>
): Promise<ResolvedTarget> {
  const { certificateMode, setAsActive, allowAutoRegistration, provisioning } = desired
  const profile = provisioning === null ? undefined : await profiles.find(provisioning.profile)
  const template = profile && readProfileTemplate(profile.document)
  return {
    target: {
      certificateMode,
      status: setAsActive ? 'ACTIVE' : 'INACTIVE',
      autoRegistration: allowAutoRegistration ? 'ENABLE' : 'DISABLE',
      provisioning:
        provisioning === null || profile === undefined
          ? null
          : {
              roleArn: provisioning.roleArn,
              templateName: provisioning.templateName,
              mayAdopt: provisioning.adopt === true,
              profile: profile.name,
              templateBody: recordedBodyOf(profile),
              templateSha256: profile.templateSha256,
              profileVersion: profile.version
            }
    },
    actions: template === undefined ? [] : requiredActions(template),
    references: template === undefined ? [] : templateReferences(template)
  }
}

/** Devices were promised what the recorded hash stands for; nothing else is sent. */
function recordedBodyOf({ name, version, document, templateSha256 }: ProfileVersion): string {
  const body = templateBodyOf(document)
  if (hash('sha256', body) === templateSha256) return body
  throw new MintlineError(
    'aws_registration_invalid',
    `The template of profile ${name} version ${version} does not have the SHA-256 on record. Post the profile again with a change in its description.`
  )
}
