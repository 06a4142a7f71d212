import type { TargetProvisioning } from '../../iot/ca-registration.ts'
import type { Drift } from '../../iot/examination.ts'
import type { Observation } from '../../iot/observation.ts'
import type { TemplateControl } from '../../iot/stored-templates/template-control.ts'
import type { Turn } from './rollout.ts'

/** Why AWS is left at what it holds, although something else is asked for. */
export interface Hold {
  readonly code: 'aws_registration_blocked' | 'aws_registration_held'
  readonly detail: string
}

interface Change {
  readonly iot: Pick<TemplateControl, 'describeTemplate'>
  readonly provisioning: TargetProvisioning | null
  /** Undefined where the CA is not registered. */
  readonly observation: Observation | undefined
  /** What the account lacks for the template that is asked for. */
  readonly accountDrift: readonly Drift[]
  readonly findTurn: () => Promise<Turn>
}

/**
 * Decides whether devices are to meet another template from now on. What they meet now stays where the account has not
 * got what the other one needs, and while the other one has not gone through in the places before this one. Where devices
 * meet no template yet, there is nothing to be lost.
 */
export async function findHold(change: Change): Promise<Hold | undefined> {
  const { provisioning, accountDrift, findTurn } = change
  if (provisioning === null || !(await isLive(change, provisioning))) return undefined
  const what = `Version ${provisioning.profileVersion} of the profile ${provisioning.profile}`
  if (accountDrift.length > 0) {
    const reasons = accountDrift.map(
      ({ field, expected, found }) => `${field}: expected ${expected}, found ${found}`
    )
    return {
      code: 'aws_registration_blocked',
      detail: `${what} was not put live here: ${reasons.join('; ')}. Mend it in the account and sync, or go back with POST /v1/profiles/${provisioning.profile}/revert.`
    }
  }
  const turn = await findTurn()
  if (turn.kind === 'now') return undefined
  const { region, accountAlias, id } = turn.before
  const account = accountAlias === '' ? '' : ` of the account ${accountAlias}`
  const why = turn.kind === 'waits' ? 'is still to get it' : 'did not get it'
  return {
    code: 'aws_registration_held',
    detail: `${what} goes to ${region}${account} first, which ${why} (registration ${id}). A sync of this registration does not wait for it.`
  }
}

/** Whether devices meet a template that would become another one. */
async function isLive(
  { iot, observation }: Pick<Change, 'iot' | 'observation'>,
  wanted: TargetProvisioning
): Promise<boolean> {
  const { templateName } = wanted
  if (observation !== undefined) {
    const { observed } = observation
    const carriesOne = observed.templateSha256 !== null
    if (carriesOne && (observed.templateName !== templateName || differs(observed, wanted))) return true
    if (observed.templateName === templateName) return false
  }
  // Other CAs may name it already.
  const held = templateName === null ? undefined : await iot.describeTemplate(templateName)
  return held !== undefined && (held.roleArn !== wanted.roleArn || held.templateBody !== wanted.templateBody)
}

function differs(observed: Observation['observed'], wanted: TargetProvisioning): boolean {
  return observed.roleArn !== wanted.roleArn || observed.templateSha256 !== wanted.templateSha256
}
