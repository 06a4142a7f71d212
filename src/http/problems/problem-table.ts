import type { ErrorCode } from '../../errors/mintline-error.ts'
import type { ProblemDescription } from './problem-description.ts'
import { accessProblems } from './tables/access.ts'
import { awsProblems } from './tables/aws.ts'
import { exportProblems } from './tables/export.ts'
import { factoryProblems } from './tables/factory.ts'
import { fleetProblems } from './tables/fleet.ts'
import { ledgerProblems } from './tables/ledger.ts'
import { revocationProblems } from './tables/revocation.ts'
import { serviceProblems } from './tables/service.ts'

/** The one place where a code meets an HTTP status. `docs/errors.md` is generated from it. */
export const problemTable: Readonly<Record<ErrorCode, ProblemDescription>> = {
  request_invalid: {
    status: 400,
    title: 'The request is not well formed',
    meaning:
      'The body, a query parameter or the path breaks the published schema. Nothing was issued or recorded.',
    remedy: 'Correct every place that `violations` names and send the request again.'
  },
  request_too_large: {
    status: 413,
    title: 'The request is too large',
    meaning: 'The body or the header section is larger than the service accepts.',
    remedy: 'Check that the file is a CSR and not something else. A CSR is 1 to 3 KB.'
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    meaning: 'The connection was opened, but the request was not complete within the time limit.',
    remedy: 'Check the network between station and service, then send the request again. A retry is safe.'
  },
  media_type_unsupported: {
    status: 415,
    title: 'The content type is not supported',
    meaning: 'The Content-Type header is missing or names a type that this route does not read.',
    remedy:
      "Send JSON with `-H 'Content-Type: application/json'`, or a CSR file with `-H 'Content-Type: application/pkcs10'`."
  },
  not_acceptable: {
    status: 406,
    title: 'No acceptable form of the answer',
    meaning: 'The Accept header rules out every form the service can answer in. Nothing was issued.',
    remedy: 'Accept `application/json`, `application/pem-certificate-chain` or `application/pkix-cert`.'
  },
  route_not_found: {
    status: 404,
    title: 'There is nothing at this address',
    meaning: 'The path is not part of the API.',
    remedy: 'Compare the path with the API description at `/docs`.'
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    meaning: 'The path exists, but not for this HTTP method.',
    remedy: 'Use a method that the `Allow` header names.'
  },
  csr_malformed: {
    status: 422,
    title: 'The CSR cannot be read',
    meaning: 'What was sent is not a PKCS#10 certification request in strict DER, PEM or base64.',
    remedy:
      'Read `detail`: it names the place and the likely accident. Make the CSR again and send the whole file.'
  },
  csr_too_large: {
    status: 413,
    title: 'The CSR is too large',
    meaning: 'The CSR is larger than 16 KiB of DER. A device CSR is 1 to 3 KB.',
    remedy: 'Check that the file holds one CSR and nothing else.'
  },
  csr_signature_algorithm_refused: {
    status: 422,
    title: "The CSR's signature algorithm is refused",
    meaning: 'The CSR is signed with an algorithm that is not on the list, such as SHA-1 or Ed25519.',
    remedy: 'Sign the CSR with SHA-256 (ECDSA or RSA).'
  },
  csr_signature_invalid: {
    status: 422,
    title: "The CSR's signature does not hold",
    meaning:
      'The signature does not prove possession of the private key: the CSR was changed, damaged or signed by another key.',
    remedy: 'Make the CSR again on the device. If it happens again, check how the device signs.'
  },
  key_refused: {
    status: 422,
    title: "The device's key is refused",
    meaning:
      'The key is of a kind, size or form that the profile does not accept, or is known to be weak; then `weaknesses` names the tests that it fails: `small-factor`, `roca`, `close-primes`, `exponent` or `known-weak` (on a list that the operator supplied).',
    remedy: "Make a new key of a kind that the profile's `keys` list."
  },
  key_blocked: {
    status: 422,
    title: 'The key is blocked',
    meaning:
      'The key is on the list of keys that are not certified, by whatever profile, or a private key was sent, which puts it there; where that is not proven to be the key, `notBlockedSpkiSha256` names it, and an administrator puts it there. Of a body that holds a private key nothing is kept but its length and a salted hash. `blockedReason` says why: `key_disclosed`, `key_compromised`, `weak_key`, `duplicate_key` or `withdrawn`; `certificates` names what exists for the key, where who asks may see it.',
    remedy:
      'Make a new key pair on the device, delete the old one wherever it lies, and send the new CSR alone. There is no way off the list. A certificate that exists is taken out of use by an administrator.'
  },
  subject_refused: {
    status: 422,
    title: 'The subject does not match the profile',
    meaning:
      'Subject fields are missing, not allowed, or hold values that the profile refuses, or the subject lies outside the name constraints of a CA above.',
    remedy:
      'Correct every field that `violations` names, in the CSR settings of the station, or in the subject that it sends.'
  },
  jitp_would_fail: {
    status: 422,
    title: 'AWS IoT would refuse this device',
    meaning: 'With this CSR the provisioning template would fail at first connect. No certificate was made.',
    remedy:
      'Correct the CSR as `violations` says, or have an administrator correct the template in the profile.'
  },
  certificate_malformed: {
    status: 422,
    title: 'The certificate cannot be read',
    meaning: 'What was sent to be previewed is not an X.509 certificate in PEM or strict DER.',
    remedy: 'Send the device certificate as the service issued it, or a CSR.'
  },
  key_already_certified: {
    status: 409,
    title: 'This key has a certificate already',
    meaning:
      'The same public key was certified before with another subject or profile. `otherDevice` says whether it was for another device.',
    remedy:
      'Do what `detail` says. Mostly: make a new key on the device. If keys repeat across devices, stop the line: the random source is broken, and the service pauses the station.'
  },
  device_already_certified: {
    status: 409,
    title: 'This device has a certificate already',
    meaning: 'The same device identity was certified before with another key.',
    remedy:
      'Check for a serial number used twice. Otherwise use the key and certificate that the device has: its first CSR gets the same certificate again. Where the device is back for rework, `detail` says what the profile has for that (`reissue`): mostly, an operator releases it with `POST /v1/issuances/{id}/release`.'
  },
  certificate_compromised: {
    status: 410,
    title: 'The certificate is of a compromised CA',
    meaning:
      'The request was served before, by a generation of the authority whose key is compromised by now. Such a certificate is not handed out again; `earlierIssuance` names its record.',
    remedy:
      'Do what `detail` says. Where the profile reissues (`afterCompromise`, the default), send the CSR again, or one with a new key, once a generation of the authority is active. Where it refuses, an administrator releases the issuance first: `POST /v1/issuances/{id}/release`.'
  },
  profile_invalid: {
    status: 422,
    title: 'The profile cannot be used',
    meaning: 'The profile or the provisioning template in it breaks a rule.',
    remedy: 'Correct every place that `violations` names and post the profile again.'
  },
  profile_not_found: {
    status: 404,
    title: 'There is no such profile',
    meaning: 'No profile has this name, or no version this number.',
    remedy: 'Check the spelling. An administrator sees all profiles under `/v1/profiles`.'
  },
  issuance_not_found: {
    status: 404,
    title: 'There is no such issuance',
    meaning: 'No record has this id.',
    remedy: 'Check the id, or search with `GET /v1/issuances`.'
  },
  shift_not_found: {
    status: 404,
    title: 'There is no such shift',
    meaning: 'The settings of the service name no shift of this name.',
    remedy: 'Take one that `detail` names. The shifts of the site are set with `MINTLINE_SHIFTS`.'
  },
  record_detached: {
    status: 409,
    title: 'The record is of a month that was detached',
    meaning:
      'The record that is asked for, or that holds the key or the device of the request, is of a month that operations has taken out of the database (`month`). What it says stands: a device that was certified has its certificate. Nothing was issued or changed now.',
    remedy:
      'Where the device has its certificate still, use that. Otherwise ask operations to attach the month again (`mintline months attach`), then send the same request again.'
  },
  issuance_not_open: {
    status: 409,
    title: 'The issuance is not open',
    meaning:
      'Only an intent without a certificate can be declared void. This record is issued, or a refusal.',
    remedy:
      'Look at the record with `GET /v1/issuances/{id}`. A certificate that was issued stays valid; a refusal needs no end.'
  },
  issuance_not_releasable: {
    status: 409,
    title: 'The issuance cannot be released',
    meaning:
      'Released is a certificate that stands, where its profile has the next one supersede it (`reissue`), or one of a compromised generation, so that its device can have the next one. This record was never issued, its profile says otherwise, or its device has a later issuance (`laterIssuance`) or was scrapped.',
    remedy:
      'Do what `detail` says: set `reissue` in the profile, send the CSR again, or release the later issuance.'
  },
  issuance_not_rejected: {
    status: 409,
    title: 'The record is no refusal',
    meaning:
      'Only what was sent with a refused request can be purged. This record is an issuance, which stays whole.',
    remedy: 'Look at the record with `GET /v1/issuances/{id}`.'
  },
  blocked_key_not_found: {
    status: 404,
    title: 'The key is not blocked',
    meaning: 'There is no key with this hash on the list.',
    remedy: 'Check the hash: SHA-256 of the SubjectPublicKeyInfo in DER, 64 hexadecimal digits.'
  },
  job_not_found: {
    status: 404,
    title: 'There is no such job',
    meaning: 'No job has this id, or it ended so long ago that it was cleared away.',
    remedy: 'Check the id against `GET /v1/jobs`.'
  },
  audit_event_not_found: {
    status: 404,
    title: 'There is no such audit event',
    meaning: 'No administrative act has this id.',
    remedy: 'Check the id against `GET /v1/audit-events`.'
  },
  event_not_found: {
    status: 404,
    title: 'There is no such event',
    meaning:
      'No event with this id is set aside: the webhook took it meanwhile, it waits in line, or there never was one.',
    remedy: 'Check the id against `GET /v1/events?state=set-aside`.'
  },
  webhook_missing: {
    status: 409,
    title: 'There is no webhook',
    meaning: 'The settings name no webhook, so that there is nobody to tell events to.',
    remedy: 'Set `MINTLINE_WEBHOOK_URL` and `MINTLINE_WEBHOOK_SECRET_FILE`, and start the service anew.'
  },
  authority_not_found: {
    status: 404,
    title: 'There is no such authority',
    meaning: 'No authority has this name.',
    remedy: 'Check the authority that the profile names.'
  },
  authority_unavailable: {
    status: 503,
    title: 'The authority line cannot sign',
    meaning:
      'The authority line of the profile has no active generation, or the key of that generation cannot be used: `detail` names it, and the setting. Other lines go on.',
    remedy:
      'Tell an administrator, who activates another generation or brings the key back. The station may send the same request again later.'
  },
  authority_expires_first: {
    status: 409,
    title: 'The authority expires first',
    meaning: 'The certificate would outlive the authority, and the profile says to refuse that.',
    remedy: 'Have an administrator roll the authority over or shorten the validity in the profile.'
  },
  authority_transition_refused: {
    status: 409,
    title: 'The authority cannot go there from here',
    meaning: 'The life cycle of an authority has no such step from the state it is in.',
    remedy: 'Do what `detail` says; `nextStates` has the steps that are open.'
  },
  month_refused: {
    status: 409,
    title: 'The month cannot be detached or attached',
    meaning: 'Something of the month is open, or its tables are not as they were. Nothing was changed.',
    remedy: 'Do what `detail` says, and run `mintline months` again.'
  },
  intents_open: {
    status: 409,
    title: 'Issuances of the generation are not finished',
    meaning:
      'The generation is to be retired, and intents under it have no certificate on record: they are in flight, or their stations have not come back after a crash. `openIntents` says how many.',
    remedy:
      'Let the stations send their CSRs again, which completes them (`GET /v1/issuances?outcome=unknown` lists them), or retire it with `"abandon": true` and a reason: they become void, and their devices and keys are free.'
  },
  authority_invalid: {
    status: 422,
    title: 'The authority or its certificate breaks a rule',
    meaning: 'The CA certificate does not fit the key, the line or the rules for a CA.',
    remedy: 'Correct every place that `violations` names.'
  },
  authority_exists: {
    status: 409,
    title: 'The authority exists already',
    meaning:
      'There is an authority of this name, this key has a generation already, or the folder of a ceremony holds a file of that name.',
    remedy: 'Choose another name, key or folder, or use the authority that is there. Nothing was overwritten.'
  },
  ...accessProblems,
  ...factoryProblems,
  ...revocationProblems,
  ...awsProblems,
  ...fleetProblems,
  ...exportProblems,
  ...ledgerProblems,
  ...serviceProblems
}
