import { join } from 'node:path'
import type { Principal } from '../../src/access/principal.ts'
import { createTokens } from '../../src/access/token.ts'
import { createTokenStore } from '../../src/access/token-store.ts'
import type { Act } from '../../src/audit/audit-event.ts'
import { createAuthorities } from '../../src/authorities/authority.ts'
import { createAuthorityStore } from '../../src/authorities/authority-store.ts'
import { createCertificateIntentStore } from '../../src/authorities/certificates/certificate-intent-store.ts'
import type { Database } from '../../src/database/database.ts'
import { createGroupCommit } from '../../src/database/group-commit.ts'
import { createCompletion } from '../../src/issuance/completion.ts'
import { createCycle, type Cycle } from '../../src/issuance/cycle.ts'
import { createCycleStore } from '../../src/issuance/cycle-store.ts'
import { createIssuance } from '../../src/issuance/issuance.ts'
import { createRefusalRecorder } from '../../src/issuance/refusal.ts'
import { createReplay } from '../../src/issuance/replay.ts'
import { createProfiles } from '../../src/profiles/profile.ts'
import { createProfileStore } from '../../src/profiles/profile-store.ts'
import { createRecordStore } from '../../src/records/record-store.ts'
import { createRecords } from '../../src/records/records.ts'
import { createRefusalStore } from '../../src/records/refusal-store.ts'
import { createSignerOpener } from '../../src/signing/signers/open-signer.ts'
import type { Signer } from '../../src/signing/signers/signer.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { createStarterSet } from '../../src/starter/starter.ts'
import { createStarterStore } from '../../src/starter/starter-store.ts'

export const administrator: Act = { actor: 'admin/test' }

/** The points at which a crash leaves something else behind. */
export const steps = [
  'before the intent',
  'after the intent',
  'before the signature',
  'after the signature',
  'before the record',
  'after the record'
] as const
export type Step = (typeof steps)[number]

/** What a test may put in the place of the usual. */
export interface IssuingOptions {
  readonly clock?: () => Date
  /** Wraps the signer that was opened, to count, delay or spoil signatures. */
  readonly wrapSigner?: (signer: Signer) => Signer
  readonly resumeAfterMs?: number
  /** Told before and after each effect. */
  readonly onStep?: (step: Step) => void
}

export type Issuing = Awaited<ReturnType<typeof startIssuing>>

/**
 * One process's worth of the issuance path on a real database, without HTTP. Two of them on one database and one
 * directory are two replicas. The first makes the starter set.
 */
export async function startIssuing(database: Database, dataDirectory: string, options: IssuingOptions = {}) {
  const { clock = () => new Date(), wrapSigner = signer => signer, resumeAfterMs = 50 } = options
  const { onStep = () => undefined } = options
  const randomBytes = createRandomSource()
  const keyDirectory = join(dataDirectory, 'authorities')
  const passphraseFile = join(dataDirectory, 'ca-passphrase')
  const store = createStarterStore(database)
  await createStarterSet({
    store,
    intents: createCertificateIntentStore(database),
    dataDirectory,
    keyDirectory,
    passphraseFile,
    makePassphrase: true,
    clock,
    randomBytes
  })
  const openSigner = createSignerOpener({ keyDirectory, passphraseFile })
  const authorities = createAuthorities({
    store: createAuthorityStore(database),
    openSigner: async reference => {
      const signer = wrapSigner(await openSigner(reference))
      const sign = around(
        signer.sign,
        () => onStep('before the signature'),
        () => onStep('after the signature')
      )
      return { ...signer, sign }
    }
  })
  await authorities.refresh()
  const profiles = createProfiles({
    store: createProfileStore(database),
    hasAuthorityLine: line => authorities.hasLine(line),
    clock,
    randomBytes
  })
  const records = createRecords(createRecordStore(database, database), authorities)
  const limits = { maximumItems: 64, maximumWaiting: 1000, concurrency: 1 }
  const group = createGroupCommit({ commit: createCycleStore(database).commit, ...limits })
  const usual = createCycle(group)
  const cycle: Cycle = {
    commitIntent: around(
      usual.commitIntent,
      () => onStep('before the intent'),
      () => onStep('after the intent')
    ),
    commitCertificate: around(
      usual.commitCertificate,
      () => onStep('before the record'),
      () => onStep('after the record')
    )
  }
  const completion = createCompletion({ cycle, clock })
  const refusals = createGroupCommit({ commit: createRefusalStore(database).commit, ...limits })
  const issuance = createIssuance({
    profiles,
    authorities,
    records,
    cycle,
    completion,
    replay: createReplay({ records, completion, authorities, profiles, clock, resumeAfterMs }),
    recordRefusal: createRefusalRecorder({ refusals, clock, randomBytes }),
    clock,
    randomBytes,
    observe: () => undefined
  })
  const tokens = createTokens({ store: createTokenStore(database), clock, randomBytes })
  const station = await findStation(database)
  return {
    profiles,
    authorities,
    records,
    tokens,
    station,
    /** Asks as the starter station does. */
    issue: (csr: Uint8Array, profile = 'starter', metadata: Readonly<Record<string, string>> = {}) =>
      issuance.issue({ csr, profile, metadata, station, requestId: 'test' })
  }
}

async function findStation(database: Database): Promise<Principal> {
  const { id, name } = await database.prisma.token.findFirstOrThrow({ where: { role: 'station' } })
  return { tokenId: id, name, role: 'station' }
}

function around<Argument, Result>(
  effect: (argument: Argument) => Promise<Result>,
  before: () => void,
  after: () => void
): (argument: Argument) => Promise<Result> {
  return async argument => {
    before()
    const result = await effect(argument)
    after()
    return result
  }
}
