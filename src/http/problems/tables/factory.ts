import type { ProblemDescription } from '../problem-description.ts'

/** Of lots and devices: what is made, how many of it, and what is no more. */
export const factoryProblems = {
  certificate_revoked: {
    status: 410,
    title: 'The certificate was ended',
    meaning:
      'What was issued for this request has ended for ever: its device was scrapped, or its certificate revoked. It is not handed out again.',
    remedy:
      'Do what `detail` says. Mostly: take the device out of the line. Where the scrapping was a mistake, it needs a new name and a new key; after a revocation `detail` says what lets it have another certificate.'
  },
  certificate_superseded: {
    status: 410,
    title: 'The device has another certificate since',
    meaning:
      'The device was released, and another certificate came in the place of the one of this request (`earlierIssuance`), which is not handed out again. `laterIssuance` is the record of what the device has now.',
    remedy:
      'Send the CSR of the key that the device has now. Where the device is back for rework once more, an operator releases the later issuance: `POST /v1/issuances/{id}/release`.'
  },
  certificate_held: {
    status: 409,
    title: 'The certificate is on hold',
    meaning:
      'Somebody has put a certificate of this device (`earlierIssuance`) on hold: it is not handed out meanwhile, and the device gets no other.',
    remedy:
      'Put the device aside. Once it is cleared, an operator takes the certificate off hold (`POST /v1/issuances/{id}/unhold`); then send the CSR again. Where it is not, an administrator revokes it.'
  },
  issuance_not_scrappable: {
    status: 409,
    title: 'There is no certificate in use to scrap',
    meaning:
      'Nothing was issued for the record, or its device has a later certificate, which `laterIssuance` names.',
    remedy: 'Do what `detail` says: scrap the later one, or declare an open request void.'
  },
  mes_denied: {
    status: 409,
    title: 'The MES does not let the device be certified',
    meaning:
      'The profile has a manufacturing execution system asked about each device, and that said no. `detail` has what it says. Nothing was issued.',
    remedy:
      'Do what `detail` says, e.g. send the device back to the station that it has passed over. Once the MES lets it pass, send the same CSR again: it is asked anew.'
  },
  lot_required: {
    status: 422,
    title: 'A lot must be named',
    meaning:
      'The profile, or the station, issues to devices of a lot alone, and the request names none. Nothing was issued.',
    remedy: 'Add the lot of the device: `"lot"` in the body, or `?lot=` with a raw CSR.'
  },
  lot_not_found: {
    status: 404,
    title: 'There is no such lot',
    meaning: 'No lot has this id. Where it was named for a device, nothing was issued.',
    remedy: 'Compare the id with `GET /v1/lots`. An operator makes a lot with `POST /v1/lots`.'
  },
  lot_not_allowed: {
    status: 403,
    title: 'The lot is not for this station or profile',
    meaning:
      'The lot is of another profile, or an operator has said which stations make it, or which lots the station makes. Nothing was issued.',
    remedy:
      'Check lot and profile at the station. Where they are right, an operator changes `lots` with `PATCH /v1/stations/{name}`, or makes a lot for this station.'
  },
  lot_paused: {
    status: 409,
    title: 'The lot is paused',
    meaning: 'An operator has paused the lot, or it is not open yet (`opensAt`). Nothing was issued.',
    remedy:
      'Read `detail`. Wait for the operator, who resumes a lot that is paused with `POST /v1/lots/{id}/resume`, or until `opensAt`, ahead of which nothing opens it; then send the CSR again.'
  },
  lot_closed: {
    status: 409,
    title: 'The lot is closed',
    meaning:
      'An operator has closed the lot, or its time is over (`closesAt`). It takes no devices any more.',
    remedy: 'Name the lot that is made now. Where there is none, an operator makes one with `POST /v1/lots`.'
  },
  lot_full: {
    status: 409,
    title: 'All places of the lot are taken',
    meaning:
      'As many devices as the lot has places are certified. Retries of those still get what they got. Nothing was issued.',
    remedy:
      'Stop making this lot. Where more were ordered, an operator raises `quantity` with `PATCH /v1/lots/{id}`; then send the CSR again.'
  },
  lot_exists: {
    status: 409,
    title: 'There is a lot of this id',
    meaning: 'It says something else than this request, so that the two cannot be the same.',
    remedy: 'Change it with `PATCH /v1/lots/{id}`, or choose another id.'
  },
  lot_invalid: {
    status: 422,
    title: 'The lot breaks a rule',
    meaning: 'Something that the lot names is not there, or its times contradict each other.',
    remedy: 'Correct what `violations` names.'
  },
  lot_quantity_taken: {
    status: 409,
    title: 'More places are taken',
    meaning: 'The quantity would be below the number of places that are taken.',
    remedy: 'Choose at least the number that is taken, or close the lot, which ends it with what there is.'
  },
  device_not_expected: {
    status: 409,
    title: 'The lot does not expect this device',
    meaning:
      'The lot has a list of its devices, and this one is not in it, or there with another key or another subject. Nothing was issued.',
    remedy:
      'Put the device aside and compare it with the order. Where the list is at fault, an operator puts the right one with `PUT /v1/lots/{id}/devices` (for a device that is back for rework, once it is released, with its next key); then send the CSR again.'
  },
  devices_invalid: {
    status: 422,
    title: 'Rows of the list are at fault',
    meaning:
      'Nothing was changed: the lot expects the devices that it expected before. `badRows` has the first thousand rows, each with its line and what is wrong, and `badRowCount` counts them all; of a list that came with its lot, `violations` has them.',
    remedy: 'Correct these rows and send the whole list again, from its beginning.'
  },
  devices_issued: {
    status: 409,
    title: 'Devices that are made would not be expected',
    meaning:
      'Devices have a place in the lot and are not in the new list, or are there with another key; `missingDevices` has the first hundred. Nothing was changed.',
    remedy:
      'Add them to the list, each with the key that it has; or scrap them first with `POST /v1/issuances/{id}/scrap`. One that is back for rework is released first (`POST /v1/issuances/{id}/release`): then the list may have its next key.'
  },
  devices_not_found: {
    status: 404,
    title: 'There is no such list',
    meaning:
      'The lot has no list of devices, or another one by now, or there is no upload of this name that can be gone on with.',
    remedy: 'Do what `detail` says.'
  },
  devices_upload_conflict: {
    status: 409,
    title: 'The upload cannot go on like this',
    meaning:
      'The upload is not where the request goes on, is of another file, or somebody else goes on with it or changes the lot. `received` says how many octets are here.',
    remedy:
      'Read `GET /v1/lots/{id}/devices/uploads/{upload}` and send on from `received`, or send the list from its beginning.'
  }
} as const satisfies Record<string, ProblemDescription>
