import type {
  DeviceListFacts,
  ExpectedDevice,
  UploadProgress
} from '../../../../factory/lots/devices/list/device-list.ts'
import { toHex } from '../../../../pki/der/octet-text.ts'
import type { ExpectedDeviceView, LotUploadView } from './schemas.ts'

export function viewList(lot: string, { devices, sha256 }: DeviceListFacts) {
  return { lot, expected: devices, sha256: toHex(sha256) }
}

export function viewUpload(
  lot: string,
  { kind, total, changedAt, ...progress }: UploadProgress
): LotUploadView {
  return { lot, ...progress, ...(total !== undefined && { total }), changedAt: changedAt.toISOString() }
}

export function viewExpected({
  position,
  thingName,
  subject,
  spkiSha256,
  issuanceId
}: ExpectedDevice): ExpectedDeviceView {
  return {
    line: position,
    ...(thingName !== undefined && { thingName }),
    ...(subject !== undefined && { subject }),
    ...(spkiSha256 !== undefined && { spkiSha256 }),
    state: issuanceId === undefined ? 'outstanding' : 'issued',
    ...(issuanceId !== undefined && { issuanceId })
  }
}
