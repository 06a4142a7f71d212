import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import type { DeviceNaming } from '../../factory/lots/devices/list/device-list.ts'
import { type DeviceRow, echo } from '../../factory/lots/devices/list/device-row.ts'
import { evaluateThingName, type ThingNaming, thingNamingOf } from '../../jitp/evaluation/thing-name.ts'
import { describeName, findNameProblem, thingName as thingNames } from '../../jitp/template/aws-name.ts'
import { encodingViolations } from '../../pki/name/name.ts'
import type { Subject, SubjectField } from '../../pki/name/subject-field.ts'
import type { CompiledProfile } from '../../profiles/compiled-profile.ts'
import { isWanted } from '../../profiles/subject/selection.ts'
import { deviceDigest, digestOf, thingDigest } from '../request.ts'

type Identified = ReturnType<DeviceNaming['identify']>

/**
 * How `identifyDevice` will know the devices of a list: the same digest from what a row says as from a certificate.
 *
 * @throws MintlineError `devices_invalid` where no list can say beforehand which device is meant.
 */
export function createDeviceNaming(profile: CompiledProfile): DeviceNaming {
  const naming = thingNamingOf(profile.template)
  if (naming.kind === 'serial-number') throw unlistable(profile)
  return {
    sha256: digestOf(Buffer.from(JSON.stringify(describe(profile, naming)))),
    identify(row) {
      const faults = valueFaults(profile, row.subject ?? {})
      return faults.length > 0 ? { faults } : identify(profile, naming, row)
    }
  }
}

/** All that the digest of a device depends on besides the values of its subject. */
function describe(profile: CompiledProfile, naming: ThingNaming): unknown {
  const { name, deviceIdentity } = profile.version.document
  const { thing, parameters, mappings } = profile.template
  const fixedOf = (fields: readonly SubjectField[]) =>
    fields.map(field => [field, fixedValue(profile, field) ?? null])
  if (naming.kind === 'subject')
    return [
      'thing',
      profile.accountId,
      thing!.thingName,
      parameters,
      [...(mappings ?? [])],
      fixedOf(naming.fields)
    ]
  if (deviceIdentity === undefined) return ['key']
  return ['device', name, deviceIdentity, fixedOf(deviceIdentity)]
}

function identify(profile: CompiledProfile, naming: ThingNaming, row: DeviceRow): Identified {
  const { name, deviceIdentity } = profile.version.document
  if (naming.kind === 'subject') return identifyThing(profile, naming.fields, row)
  if (row.thingName !== undefined) return noThings(deviceIdentity ?? [], row.thingName)
  if (deviceIdentity === undefined) {
    if (row.spkiSha256 !== undefined) return { deviceSha256: Buffer.from(row.spkiSha256, 'hex') }
    const message = 'The profile knows devices by their keys alone: list the SHA-256 of each public key.'
    return refuse({ pointer: '/spkiSha256', expected: 'a value', found: 'nothing', message })
  }
  const values = withFixed(profile, deviceIdentity, row.subject)
  const missing = missingFields(deviceIdentity, values)
  return missing.length > 0
    ? { faults: missing }
    : { deviceSha256: deviceDigest(name, deviceIdentity, values) }
}

function identifyThing(
  profile: CompiledProfile,
  fields: readonly SubjectField[],
  row: DeviceRow
): Identified {
  const values = withFixed(profile, fields, row.subject)
  const missing = missingFields(fields, values)
  const made = missing.length === 0 ? evaluateThingName(profile.template, values) : undefined
  const { thingName = made } = row
  if (thingName === undefined && missing.length > 0) return { faults: missing }
  if (thingName === undefined) {
    const message = 'The provisioning template makes no thing name of these values.'
    return refuse({ pointer: '/subject', expected: 'values that name a thing', found: 'others', message })
  }
  const problem = findNameProblem(thingNames, thingName)
  if (problem !== undefined) {
    const message = `It ${problem.found}: ${problem.rule}.`
    return refuse({
      pointer: '/thingName',
      expected: describeName(thingNames),
      found: echo(thingName),
      message
    })
  }
  if (missing.length === 0 && made !== thingName) {
    const message = 'Thing name and subject are not of one device. Correct one of the two.'
    return refuse({ pointer: '/thingName', expected: echo(made ?? ''), found: echo(thingName), message })
  }
  return { deviceSha256: thingDigest(profile.accountId, thingName) }
}

/** What the profile would refuse in any CSR is no device that could come. */
function valueFaults(profile: CompiledProfile, subject: Subject): readonly Violation[] {
  return Object.entries(subject).flatMap(([name, value]) => {
    const field = name as SubjectField
    const pointer = `/subject/${field}`
    if (!isWanted(profile, field))
      return [{ pointer, expected: 'nothing', found: echo(value), message: `The profile takes no ${field}.` }]
    const faults = encodingViolations(field, value)
    const rule = profile.rules.get(field)
    if (faults.length > 0 || rule === undefined || rule.accepts(value)) return faults
    return [
      {
        pointer,
        expected: rule.expected,
        found: echo(value),
        message: `The profile refuses this ${field}.`
      }
    ]
  })
}

function withFixed(
  profile: CompiledProfile,
  fields: readonly SubjectField[],
  subject: Subject = {}
): Subject {
  const fixed = fields.flatMap(field => {
    const value = fixedValue(profile, field)
    return value === undefined ? [] : [[field, value] as const]
  })
  return { ...Object.fromEntries(fixed), ...subject }
}

function fixedValue({ rules }: CompiledProfile, field: SubjectField): string | undefined {
  return rules.get(field)?.fixedValue
}

function missingFields(fields: readonly SubjectField[], values: Subject): readonly Violation[] {
  return fields
    .filter(field => values[field] === undefined)
    .map(field => ({
      pointer: `/subject/${field}`,
      expected: 'a value',
      found: 'nothing',
      message: `The profile names devices by ${fields.join(', ')}: without ${field} it is not known which is meant.`
    }))
}

function noThings(fields: readonly SubjectField[], found: string): Identified {
  const by = fields.length === 0 ? 'their keys (spkiSha256)' : `their subject (${fields.join(', ')})`
  const message = `The profile knows devices by ${by}, and names no things. Leave thingName out.`
  return refuse({ pointer: '/thingName', expected: 'nothing', found: echo(found), message })
}

function unlistable({ version }: CompiledProfile): MintlineError {
  const violation = {
    pointer: '/profile',
    expected: 'a profile whose thing names do not come of the serial number of the certificate',
    found: version.name,
    message: 'Nobody knows beforehand which things it will make, so that they cannot be listed.'
  }
  return new MintlineError('devices_invalid', violation.message, { violations: [violation] })
}

function refuse(fault: Violation): Identified {
  return { faults: [fault] }
}
