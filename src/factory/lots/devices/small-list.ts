import { MintlineError, type Violation } from '../../../errors/mintline-error.ts'
import type { FindNaming, IdentifiedDevice, PreparedList } from './list/device-list.ts'
import { chainRow, parseDeviceRow } from './list/device-row.ts'

/** @throws MintlineError `devices_invalid`, whose violations point into the request for the lot. */
export async function prepareList(
  findNaming: FindNaming,
  profile: string,
  rows: readonly unknown[]
): Promise<PreparedList> {
  const naming = await findNaming(profile)
  const violations: Violation[] = []
  const positions = new Map<string, number>()
  const devices: IdentifiedDevice[] = []
  let sha256: Uint8Array | undefined
  rows.forEach((value, index) => {
    const add = (faults: readonly Violation[]) =>
      violations.push(...faults.map(each => ({ ...each, pointer: `/devices/${index}${each.pointer}` })))
    const parsed = parseDeviceRow(value)
    if ('faults' in parsed) return add(parsed.faults)
    const identified = naming.identify(parsed.row)
    if ('faults' in identified) return add(identified.faults)
    const { deviceSha256 } = identified
    const names = [Buffer.from(deviceSha256).toString('hex'), parsed.row.spkiSha256].filter(
      name => name !== undefined
    )
    const before = names.map(name => positions.get(name)).find(found => found !== undefined)
    if (before !== undefined)
      return add([
        {
          pointer: '',
          expected: 'a device, and a key, that is listed once',
          found: `that of /devices/${before} again`,
          message: 'Leave one of the two out.'
        }
      ])
    for (const name of names) positions.set(name, index)
    devices.push({ position: index + 1, deviceSha256, row: parsed.row })
    sha256 = chainRow(sha256, parsed.row)
  })
  if (violations.length === 0 && sha256 !== undefined) return { devices, sha256, namingSha256: naming.sha256 }
  const detail = 'The devices of the lot cannot be like this. Correct what violations names.'
  throw new MintlineError('devices_invalid', detail, { violations })
}
