import type { StationPrincipal } from '../../src/access/principal.ts'
import type { Act } from '../../src/audit/audit-event.ts'
import type { ClockTrust } from '../../src/clock/clock-trust.ts'
import { createIssuancePath, type IssuancePathOptions } from '../../src/composition/issuance-path.ts'
import { makeStarterSet } from '../../src/composition/starter-set.ts'
import type { Database } from '../../src/database/database.ts'
import type { Cycle } from '../../src/issuance/commit/cycle.ts'
import type { Subject } from '../../src/pki/name/subject-field.ts'
import type { Signer } from '../../src/signing/signers/signer.ts'
import { createTestCore } from './core.ts'
import { createTestTokens } from './tokens.ts'

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
export interface IssuingOptions extends Pick<IssuancePathOptions, 'stopwatch' | 'storageReserve'> {
  readonly clock?: () => Date
  /** Whether the clock is held against the database's, as production does. */
  readonly examinesClock?: boolean
  /** Wraps the signer that was opened, to count, delay or spoil signatures. */
  readonly wrapSigner?: (signer: Signer) => Signer
  readonly resumeAfterMs?: number
  /** Of the environment. */
  readonly settings?: Readonly<Record<string, string>>
  /** Told before and after each effect. */
  readonly onStep?: (step: Step) => void
}

interface More {
  readonly metadata?: Readonly<Record<string, string>>
  readonly lot?: string | undefined
  readonly subject?: Subject
}

interface As {
  readonly profile?: string
  readonly lot?: string | undefined
}

export type Issuing = Awaited<ReturnType<typeof startIssuing>>

/**
 * One process's worth of the issuance path on a real database, without HTTP. Two of them on one database and one
 * directory are two replicas. The first makes the starter set.
 */
export async function startIssuing(database: Database, dataDirectory: string, options: IssuingOptions = {}) {
  const { clock, wrapSigner = signer => signer, resumeAfterMs = 50, onStep = () => undefined } = options
  const told = (step: string) => (when: string) => onStep(`${when} the ${step}` as Step)
  const core = createTestCore(database, dataDirectory, {
    ...(clock !== undefined && { clock }),
    ...(options.settings && { settings: options.settings }),
    ...(options.examinesClock !== true && {
      wrapClockTrust: (trust: ClockTrust) => ({ ...trust, assertTrusted: async () => undefined })
    }),
    wrapOpener: open => async reference => {
      const signer = wrapSigner(await open(reference))
      return { ...signer, sign: around(signer.sign, told('signature')) }
    }
  })
  await makeStarterSet(core)
  await core.authorities.refresh()
  const wrapCycle = ({ commitIntent, commitCertificate }: Cycle): Cycle => ({
    commitIntent: around(commitIntent, told('intent')),
    commitCertificate: around(commitCertificate, told('record'))
  })
  const path = createIssuancePath(core, core.stops, { ...options, resumeAfterMs, wrapCycle })
  const { issuance, records, refusalCounts, blockedKeys, disclosures, lotClosing } = path
  const { profiles, authorities, randomBytes } = core
  const station = await findStation(database)
  return {
    core,
    profiles,
    authorities,
    records,
    refusalCounts,
    blockedKeys,
    disclosures,
    lotClosing,
    tokens: createTestTokens(database, { clock: core.clock, randomBytes }),
    station,
    /** Asks as the starter station does. */
    issue: (csr: Uint8Array, profile = 'starter', { metadata = {}, ...more }: More = {}) =>
      issuance.issue({ csr, profile, metadata, ...more, station, requestId: 'test' }),
    /** The same of another station's token. */
    issueAs: (other: StationPrincipal, csr: Uint8Array, { profile = 'starter', lot }: As = {}) =>
      issuance.issue({ csr, profile, metadata: {}, lot, station: other, requestId: 'test' })
  }
}

async function findStation(database: Database): Promise<StationPrincipal> {
  const { id, station } = await database.prisma.token.findFirstOrThrow({
    where: { role: 'station' },
    include: { station: true }
  })
  return { tokenId: id, name: station!.name, role: 'station', station: station! }
}

function around<Arguments extends readonly unknown[], Result>(
  effect: (...values: Arguments) => Promise<Result>,
  tell: (when: 'before' | 'after') => void
): (...values: Arguments) => Promise<Result> {
  return async (...values) => {
    tell('before')
    const result = await effect(...values)
    tell('after')
    return result
  }
}
