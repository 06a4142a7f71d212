import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import type { OpenSigner } from '../signing/signers/open-signer.ts'
import type { Clock } from '../sources/clock.ts'
import { type Page, type PageQuery, readPage } from '../sources/page.ts'
import type { AuthorityStore, StoredAuthority, StoredGeneration } from './authority-store.ts'
import type { CertificateIntent } from './certificates/certificate-intent.ts'
import type { CertificateIntentStore } from './certificates/certificate-intent-store.ts'
import {
  describeGeneration,
  type GenerationView,
  requireGeneration,
  selectGenerations
} from './generations/generation.ts'
import { withProvenSigner } from './generations/proven-signer.ts'
import { planRotation, type ProfileNeed, type RotationPlan } from './rotation/plan.ts'
import { buildTrustBundle } from './rotation/trust-bundle.ts'

/** What there is to know of all generations, as the database has it at this moment. */
export interface AuthorityRegister {
  /** The generations of all lines, of one, or the one of that name; oldest first. @throws MintlineError `authority_not_found`. */
  list(query: AuthorityQuery): Promise<Page<GenerationView>>
  /** As `list`, all at once. */
  find(lineOrName: string): Promise<readonly GenerationView[]>
  /**
   * CA certificates that were to be signed and are not on record, oldest first: of all lines, or of the line or
   * generation, as issuer or as subject.
   */
  listOpenIntents(query: AuthorityQuery): Promise<Page<CertificateIntent>>
  /** The DER of the request. @throws MintlineError `authority_not_found`, also where there never was a request. */
  findRequest(name: string): Promise<Uint8Array>
  /** Its own certificate and those above it, root included. @throws MintlineError `authority_not_found`. */
  findCertificates(name: string): Promise<readonly Uint8Array[]>
  /** Every CA certificate that a relying party may need. */
  trustBundle(): Promise<readonly Uint8Array[]>
  /** What a rotation of the line would do and what is missing. @throws MintlineError `authority_not_found`. */
  plan(line: string): Promise<RotationPlan>
}

interface AuthorityQuery extends PageQuery {
  /** All lines unless given. */
  readonly lineOrName?: string | undefined
}

export interface RegisterDependencies {
  readonly store: Pick<AuthorityStore, 'generations' | 'crossCertificates' | 'countIntents'>
  readonly intents: Pick<CertificateIntentStore, 'listOpen'>
  readonly openSigner: OpenSigner
  readonly listNeeds: () => Promise<readonly ProfileNeed[]>
  /** Of a line: where the successor of its active generation has yet to be registered. */
  readonly listRegistrationGaps: (line: string) => Promise<readonly Violation[]>
  readonly clock: Clock
}

export function createAuthorityRegister(dependencies: RegisterDependencies): AuthorityRegister {
  const { store, intents, openSigner, listNeeds, listRegistrationGaps, clock } = dependencies

  async function viewsOf(selected: readonly StoredGeneration[]): Promise<readonly GenerationView[]> {
    const counts = await store.countIntents(selected.map(({ id }) => id))
    return selected.map(generation => describeGeneration(generation, counts.get(generation.id)!, clock()))
  }

  return {
    async list(query) {
      const { lineOrName } = query
      const { items, nextCursor } = await readPage(query, wanted => store.generations(wanted))
      // The page after the last one is empty; a line that does not exist is refused.
      if (items.length === 0 && lineOrName !== undefined)
        selectGenerations(await store.generations({ lineOrName, limit: 1 }), lineOrName)
      return { items: await viewsOf(items), nextCursor }
    },
    find: async lineOrName => viewsOf(selectGenerations(await store.generations({ lineOrName }), lineOrName)),
    listOpenIntents: query => readPage(query, wanted => intents.listOpen(wanted)),
    async findRequest(name) {
      const { csrDer } = requireGeneration(await store.generations(), name)
      if (csrDer !== null) return csrDer
      throw new MintlineError('authority_not_found', `${name} never asked another CA for a certificate.`)
    },
    async findCertificates(name) {
      const { certificateDer, issuersDer } = requireGeneration(await store.generations(), name)
      if (certificateDer !== null) return [certificateDer, ...issuersDer]
      throw new MintlineError('authority_not_found', `${name} has no certificate yet.`)
    },
    async trustBundle() {
      return buildTrustBundle(await store.generations(), await store.crossCertificates())
    },
    async plan(line) {
      const all = await store.generations()
      const generations = selectGenerations(all, line)
      const needs = (await listNeeds()).filter(need => need.line === line)
      const tryKey = (stored: StoredAuthority) => withProvenSigner(openSigner, stored, async () => undefined)
      const registrationGaps = await listRegistrationGaps(line)
      return planRotation({ line, generations, all, needs, registrationGaps, now: clock(), tryKey })
    }
  }
}
