import { MintlineError } from '../../../../errors/mintline-error.ts'
import type { Arriving } from '../arriving-store.ts'
import type { BadRow } from './device-list.ts'
import type { MissingDevice } from './device-list-store.ts'

/** @param count of all rows that are at fault; `rows` are the first. */
export function devicesInvalid(lot: string, rows: readonly BadRow[], count: number): MintlineError {
  const badRows = rows.map(({ position, faults }) => ({ line: position, violations: faults }))
  return new MintlineError(
    'devices_invalid',
    `${count === 1 ? '1 row is' : `${count} rows are`} at fault, so the devices of the lot ${lot} stay what they were. Correct what badRows names, and send the whole list again.`,
    { members: { badRowCount: count, badRows } }
  )
}

/** @param next what to do, for an upload with a name; left out, to send on from where it is. */
export function uploadConflict(
  { lotId, upload = '', reader }: Pick<Arriving, 'lotId' | 'upload' | 'reader'>,
  what: string,
  next = `GET /v1/lots/${lotId}/devices/uploads/${upload} says from where to send on.`
): MintlineError {
  const detail =
    upload === ''
      ? `The list for the lot ${lotId} was not taken. ${what} Send it again.`
      : `The upload ${upload} of the lot ${lotId} has ${reader.offset} octets. ${what} ${next}`
  return new MintlineError('devices_upload_conflict', detail, { members: { received: reader.offset } })
}

export function noUpload(lot: string, upload: string): MintlineError {
  return new MintlineError(
    'devices_not_found',
    `The lot ${lot} has no upload ${upload} that is not at its end. Look at GET /v1/lots/${lot}; where its devices are not those of the list, send the list from its beginning.`
  )
}

export function noList(lot: string): MintlineError {
  return new MintlineError(
    'devices_not_found',
    `The lot ${lot} has no list of devices: it takes all. PUT /v1/lots/${lot}/devices gives it one.`
  )
}

export function otherList(lot: string): MintlineError {
  return new MintlineError(
    'devices_not_found',
    `The lot ${lot} has got another list of devices. Read it from its beginning.`
  )
}

export function devicesIssued(lot: string, missing: readonly MissingDevice[]): MintlineError {
  const [first] = missing
  const name = first?.thingName ?? `of the record ${first?.issuanceId}`
  return new MintlineError(
    'devices_issued',
    `Devices that have their place in the lot ${lot} are not in the list, or with another key; among them ${name}. Add them; or scrap them first. One that is to come back with another key is released first (POST /v1/issuances/{id}/release).`,
    { members: { missingDevices: missing } }
  )
}

export function tooManyUploads(): MintlineError {
  const detail =
    'As many lists are arriving as are taken at once. Send this one again when one of them has ended.'
  return new MintlineError('overloaded', detail, { retryAfterSeconds: 10 })
}
