import type { ProblemDescription } from '../problem-description.ts'

/** Where the request is not at fault: the service, what it depends on, its jobs and its start. */
export const serviceProblems = {
  database_unavailable: {
    status: 503,
    title: 'The database cannot be used at the moment',
    meaning:
      'The issuance cannot be recorded, so it does not happen. `detail` says what is the matter: the database cannot be reached, or its disk, memory or connections are used up.',
    remedy:
      'Send the same request again after `Retry-After` seconds. A retry is safe. Where the disk is full, somebody has to make room first.'
  },
  search_too_broad: {
    status: 422,
    title: 'The search is too broad',
    meaning:
      'It did not end within two seconds, or its answer would be larger than an answer may be. Nothing is left out silently: there is no answer rather than a part of one.',
    remedy:
      'Do as `detail` says. A search is narrowed by `from` and `to`, a longer beginning before the `*`, or an exact value such as `thingName`, `subject.CommonName`, `serialNumber`, `lot` or `station`; a count by any of its filters; instead of a report, those of its parts are asked for.'
  },
  search_behind: {
    status: 503,
    title: 'The search does not know all records yet',
    meaning:
      'What records are searched and counted by is filled in behind them, and is more than a minute behind: after an update, a restore or `mintline search rebuild`, or while no process does the background duties.',
    remedy:
      'Wait, or give a `to` before the time that `detail` names. Lists by station, profile, authority, outcome, serial number, certificate id and time are complete at any moment.'
  },
  signer_unavailable: {
    status: 503,
    title: 'The signing key cannot be reached',
    meaning: 'The key store of the authority does not answer.',
    remedy: 'Send the same request again after `Retry-After` seconds. A retry is safe.'
  },
  signer_disabled: {
    status: 503,
    title: 'The CA key is disabled',
    meaning: 'The key of the authority is disabled, pending deletion or gone. Trying again does not help.',
    remedy: 'Tell the administrator: the key must be enabled again, or another generation activated.'
  },
  aws_refused: {
    status: 502,
    title: 'AWS refuses the request',
    meaning:
      'AWS answered that the service may not do this, or that it cannot be done. Trying again does not help.',
    remedy: 'Read `detail`: it names the operation and the error of AWS, and what to grant or to correct.'
  },
  aws_unavailable: {
    status: 503,
    title: 'AWS cannot be reached',
    meaning: 'AWS does not answer, fails, or gets more requests than its quota allows.',
    remedy: 'Wait: the service tries again by itself. If it lasts, check the network and the region.'
  },
  clock_untrusted: {
    status: 503,
    title: 'The clock cannot be trusted',
    meaning:
      'The service’s clock is more than 5 seconds from the database’s, before the program was made, or before the newest record. What it would write into certificates would be wrong, so none is issued; what was issued is still given out again.',
    remedy:
      'Tell an administrator: `detail` says what is wrong. Set the clocks right (NTP); where a record is of a wrong future, accept that with `POST /v1/clock/accept`.'
  },
  mes_unavailable: {
    status: 503,
    title: 'The MES does not answer',
    meaning:
      'The profile has a manufacturing execution system asked about each device. It did not answer in time, or what it answered is no verdict; `detail` says which. Without a verdict nothing is issued. What was issued before is given out again all the same.',
    remedy:
      'Tell whoever looks after the MES, and send the same request again after `Retry-After` seconds. A retry is safe. docs/mes.md says what the MES is to answer.'
  },
  overloaded: {
    status: 503,
    title: 'Too many requests are waiting',
    meaning: 'The service has more requests in hand than it can finish in time.',
    remedy: 'Send the same request again after `Retry-After` seconds. A retry is safe.'
  },
  shutting_down: {
    status: 503,
    title: 'The service is stopping',
    meaning: 'The service finishes the requests it has and takes no new ones.',
    remedy: 'Send the same request again after `Retry-After` seconds. A retry is safe.'
  },
  lint_failed: {
    status: 500,
    title: 'The certificate would break a rule',
    meaning: 'The certificate built from the profile failed a check before signing. It was not signed.',
    remedy: 'Tell an administrator: the profile or the service is at fault, not the CSR.'
  },
  certificate_mismatch: {
    status: 500,
    title: 'The signed certificate failed verification',
    meaning:
      'What the signer returned is not what was checked, or its signature does not hold. It was withheld.',
    remedy: 'Stop and tell an administrator: the signing key store must be examined.'
  },
  record_damaged: {
    status: 500,
    title: 'A record was changed in the database',
    meaning:
      'What the database holds of an earlier request does not follow from its CSR, profile and authority, or its certificate is not the one that was recorded: somebody or something changed it there. Nothing was signed for it or handed out. `violations` has the differences, `earlierIssuance` the record.',
    remedy:
      'Tell the administrator, who finds out who wrote to the database and, where no certificate was issued yet, voids the record with `POST /v1/issuances/{id}/void`. Then send the same CSR again.'
  },
  internal_error: {
    status: 500,
    title: 'Something went wrong inside the service',
    meaning: 'A fault of the service. The log has the cause under the same `requestId`.',
    remedy: 'Send the same request again. If it fails again, report the `requestId`.'
  },
  job_interrupted: {
    status: 500,
    title: 'A job was cut off',
    meaning:
      'The process that worked on the job stopped in the middle, the job took too long, or something newer was asked for. Seen in `GET /v1/jobs`.',
    remedy: 'Nothing: it is tried again. If it happens again and again, look at the log of the service.'
  },
  webhook_failed: {
    status: 502,
    title: 'The webhook did not take the events',
    meaning:
      'The receiver of the events cannot be reached, or did not answer with 2xx in time. Seen in `GET /v1/jobs`.',
    remedy: 'Put the receiver right. The events are kept and sent again.'
  },
  crl_target_failed: {
    status: 502,
    title: 'CRLs cannot be put where they are to be',
    meaning:
      'The directory or the bucket that CRLs are put into besides cannot be reached or written to. Seen in `GET /readyz`.',
    remedy: 'Read `detail`: it names the place and what is wrong with it. They are put there again and again.'
  },
  config_invalid: {
    status: 500,
    title: 'The settings cannot be used',
    meaning: 'One or more settings are wrong. The service does not start.',
    remedy: 'Correct every setting named, and try them with `mintline check-config`.'
  },
  data_directory_unusable: {
    status: 500,
    title: 'The data directory cannot be used',
    meaning:
      'The directory cannot be made, read or written, or its disk is full, or another service uses it. The service does not start.',
    remedy: 'Check path, owner, mode and free space of `MINTLINE_DATA_DIR`.'
  },
  database_incompatible: {
    status: 500,
    title: 'The database does not fit this version',
    meaning:
      'The database is of a newer Mintline, or of one before the first release, or something else is in it, or it refuses ' +
      'a migration. The service does not start.',
    remedy:
      'Run the Mintline version that fits the database, restore the matching backup, or name an empty database.'
  },
  key_unusable: {
    status: 500,
    title: 'A signing key cannot be used',
    meaning:
      'The key cannot be read, opened or used for signing, or does not belong to its certificate. A service with such a key runs, and the line of that key is `authority_unavailable`.',
    remedy:
      'The detail says which: the passphrase or PIN file, the key file, the permissions in AWS KMS, or the token. Do not replace the key.'
  }
} as const satisfies Readonly<Record<string, ProblemDescription>>
