import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import type { FindNaming, ListVerdict } from '../../factory/lots/devices/list/device-list.ts'
import type { DeviceListStore, ListedDevice } from '../../factory/lots/devices/list/device-list-store.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { isEqual } from '../../pki/der/octets.ts'
import type { SubjectField } from '../../pki/name/subject-field.ts'
import type { Draft } from '../draft.ts'

export interface DeviceRefusalDependencies {
  readonly deviceLists: Pick<DeviceListStore, 'describe'>
  readonly findNaming: FindNaming
}

export interface UnexpectedDevice {
  readonly lot: string
  /** Its newest version's name. */
  readonly profile: string
  readonly draft: Pick<Draft, 'intent' | 'tbs' | 'device'>
  /** Of the commit, by what held then. */
  readonly verdict: ListVerdict
}

/** @returns `device_not_expected`, with what the list says of the device and what came. */
export async function deviceRefusal(
  { deviceLists, findNaming }: DeviceRefusalDependencies,
  { lot, profile, draft, verdict }: UnexpectedDevice
): Promise<MintlineError> {
  const listed = await deviceLists.describe(lot, draft.intent.deviceSha256)
  if (verdict === 'unlisted' && listed !== undefined && !(await isNamedAlike(findNaming, profile, listed))) {
    return refuse(
      `The list of the lot ${lot} was made when the profile ${profile} named its devices in another way. Stop; an operator uploads the list again (PUT /v1/lots/${lot}/devices), then send the CSR again.`,
      [violationOf(draft, `a device of the list of the lot ${lot}`)]
    )
  }
  const instead = `Put it aside and compare it with the order; where the list is at fault, an operator puts the right one (PUT /v1/lots/${lot}/devices).`
  if (verdict === 'unlisted')
    return refuse(`The lot ${lot} does not expect this device. ${instead}`, [
      violationOf(draft, `a device of the list of the lot ${lot}`)
    ])
  const what =
    verdict === 'other_key'
      ? `with another key. ${instead} Where the device is back for rework with a new key, an operator releases it, and puts the list with that key.`
      : `with another subject. ${instead}`
  return refuse(`The lot ${lot} expects this device ${what}`, differences(draft, listed))
}

/** A profile that is gone, or whose devices cannot be listed any more, names them otherwise. */
async function isNamedAlike(
  findNaming: FindNaming,
  profile: string,
  { namingSha256 }: ListedDevice
): Promise<boolean> {
  try {
    return isEqual((await findNaming(profile)).sha256, namingSha256)
  } catch (error) {
    if (error instanceof MintlineError && error.code === 'devices_invalid') return false
    throw error
  }
}

/** By what the device is known. */
function violationOf({ intent, tbs, device }: UnexpectedDevice['draft'], expected: string): Violation {
  const message = 'Check that the right lot is named, and the right device is on the station.'
  if (device === undefined)
    return { pointer: '/csr', expected, found: `the key ${toHex(intent.spkiSha256)}`, message }
  const field = device.fields[0]
  const value = field === undefined ? undefined : tbs.subject[field]
  const found = device.thingName === undefined ? quoted(value ?? '') : `the thing ${quoted(device.thingName)}`
  return { pointer: field === undefined ? '/csr' : `/subject/${field}`, expected, found, message }
}

/** None where the lot has another list by now. */
function differences(
  { intent, tbs }: UnexpectedDevice['draft'],
  listed: ListedDevice | undefined
): Violation[] {
  const { subject, spkiSha256 } = listed?.row ?? { subject: null, spkiSha256: null }
  const violations: Violation[] = []
  if (spkiSha256 !== null && !isEqual(spkiSha256, intent.spkiSha256)) {
    const message = 'The list says which key the device has. Look for two devices that were mixed up.'
    const expected = `a key whose SubjectPublicKeyInfo has the SHA-256 ${toHex(spkiSha256)}`
    violations.push({ pointer: '/csr', expected, found: toHex(intent.spkiSha256), message })
  }
  for (const [name, expected] of Object.entries(subject ?? {})) {
    const found = tbs.subject[name as SubjectField]
    if (found === expected) continue
    const message = `Make the CSR with ${name} as the list has it, or have the list corrected.`
    violations.push({
      pointer: `/subject/${name}`,
      expected: quoted(expected),
      found: found === undefined ? 'nothing' : quoted(found),
      message
    })
  }
  return violations
}

function refuse(detail: string, violations: readonly Violation[]): MintlineError {
  return new MintlineError('device_not_expected', detail, { violations })
}

function quoted(value: string): string {
  return JSON.stringify(value)
}
