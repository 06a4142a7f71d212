import { isMintlineError } from '../../../errors/mintline-error.ts'
import type { AwsAccess } from '../../iot/access.ts'
import type { Drift, Examination } from '../../iot/examination.ts'
import type { IotControl } from '../../iot/iot-control.ts'
import { logsAreOff } from '../../iot/logs-off.ts'
import { examineReferences } from '../../iot/reference-examination.ts'
import { type JudgedPolicies, policyDrift } from '../lint/policy-warnings.ts'
import type { ResolvedTarget } from '../target.ts'

/** What provisioning needs of the account besides the CA: the role, and what the template names. */
export interface AccountExamination extends Examination {
  readonly of: 'role' | 'references' | 'policy' | 'logs'
}

export interface ExaminationRequest {
  readonly access: AwsAccess
  readonly resolved: ResolvedTarget
  readonly policies: JudgedPolicies
  /** What was found the last time: it holds on where nothing can be found now. */
  readonly earlierDrift: readonly Drift[]
}

/**
 * Looks at what nothing can be changed about from here. So a look that fails is a note and keeps nobody from the CA:
 * where the network leads to AWS IoT alone, or IAM is away, a CA is registered, and switched off, all the same.
 *
 * @throws MintlineError `job_interrupted`.
 */
export async function examineAccount({
  access,
  resolved: { target, actions, references },
  policies,
  earlierDrift
}: ExaminationRequest): Promise<readonly AccountExamination[]> {
  const { provisioning } = target
  if (provisioning === null) return []
  const examine = async (
    of: AccountExamination['of'],
    fields: RegExp,
    look: () => Promise<Examination>
  ): Promise<AccountExamination> => {
    try {
      return { of, ...(await look()) }
    } catch (error) {
      if (!isMintlineError(error, 'aws_refused') && !isMintlineError(error, 'aws_unavailable')) throw error
      const drift = earlierDrift.filter(({ field }) => fields.test(field))
      return { of, drift, notes: [`Not compared: ${error.detail}`] }
    }
  }
  return [
    await examine('role', /^role(\.|$)/, () => access.examineRole(provisioning.roleArn, actions)),
    await examine('references', /^template\./, () => examineReferences(access.iot, references)),
    { of: 'policy', drift: policyDrift(policies), notes: [] },
    await examine('logs', /^$/, () => examineLogs(access.iot))
  ]
}

/** Devices are provisioned without them; those that are not leave no trace. */
async function examineLogs(iot: Pick<IotControl, 'areLogsOn'>): Promise<Examination> {
  return { drift: [], notes: (await iot.areLogsOn()) ? [] : [logsAreOff] }
}
