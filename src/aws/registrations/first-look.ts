import { setTimeout as pause } from 'node:timers/promises'
import { isDenial } from '../../aws-client/failure.ts'
import { isMintlineError } from '../../errors/mintline-error.ts'
import type { AwsAccesses } from '../iot/access.ts'
import { logsAreOff } from '../iot/logs-off.ts'
import { type AwsPlace, isKnownRegion } from '../iot/place.ts'
import { assertTemplateIsOurs } from '../iot/stored-templates/stored-template.ts'
import type { DesiredRegistration } from './desired-registration.ts'

/** Who asks for a registration waits for it; the job does not depend on it. */
const longestLookMs = 5_000

interface FirstLook {
  readonly place: AwsPlace
  readonly desired: DesiredRegistration
  readonly caCertificateId: string
}

/**
 * Asks AWS what can be known before anything is on record: whether it can be asked at all, and whether the stored
 * template is free. What keeps it from being asked is told, and left to the job.
 *
 * @returns what is not as it should be, in words.
 * @throws MintlineError `aws_template_not_ours`.
 */
export async function lookFirst(
  accesses: Pick<AwsAccesses, 'open'>,
  { place, desired, caCertificateId }: FirstLook
): Promise<readonly string[]> {
  const region = isKnownRegion(place.region)
    ? []
    : [`AWS IoT Core in the region ${place.region} is not known to this version: check the spelling.`]
  const late = new AbortController()
  try {
    const isLate = pause(longestLookMs, 'late' as const, { signal: late.signal })
    const answer = await Promise.race([isLate, look(accesses, { place, desired, caCertificateId })])
    return answer === 'late'
      ? [...region, `AWS did not answer within ${longestLookMs / 1_000} s; the job goes on trying.`]
      : [...region, ...answer]
  } catch (error) {
    if (!isMintlineError(error) || error.code === 'aws_template_not_ours') throw error
    return [...region, error.detail]
  } finally {
    late.abort()
  }
}

async function look(
  accesses: Pick<AwsAccesses, 'open'>,
  { place, desired: { provisioning }, caCertificateId }: FirstLook
): Promise<readonly string[]> {
  const { iot } = await accesses.open(place)
  if (provisioning?.templateName == null || provisioning.adopt === true) await iot.describeCa(caCertificateId)
  else await assertTemplateIsOurs(iot, provisioning.templateName)
  if (provisioning === null) return []
  try {
    return (await iot.areLogsOn()) ? [] : [logsAreOff]
  } catch (error) {
    if (isDenial(error)) return []
    throw error
  }
}
