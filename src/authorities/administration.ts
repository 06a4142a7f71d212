import type { VerbOf } from '../audit/audit-act.ts'
import { type Act, type AuditEvent, buildAuditEvent } from '../audit/audit-event.ts'
import type { OpenSigner } from '../signing/signers/open-signer.ts'
import type { Clock } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { Authorities } from './authority.ts'
import type { AuthorityChange, AuthorityStore, StoredAuthority, StoredGeneration } from './authority-store.ts'
import type { CertificateIntentStore } from './certificates/certificate-intent-store.ts'
import { assertMayCrossSign, assertPathNotExpired, crossContent } from './certificates/cross-signing.ts'
import { type IntendedFor, issueIntendedAuthority } from './certificates/intended-authority.ts'
import { verifyAuthorityChain } from './generations/certificate-chain.ts'
import type { AuthorityCreation } from './generations/creation.ts'
import { keyDigestsOf, requireCertified, requireGeneration, spkiOf } from './generations/generation.ts'
import { withProvenSigner } from './generations/proven-signer.ts'
import { createCompromiseMaker } from './life-cycle/compromise.ts'
import { assertTransition, type AuthorityState } from './life-cycle/life-cycle.ts'
import type { VoidedIntent } from './life-cycle/open-intents-store.ts'

/** The steps of an authority's life. Each is one transaction with its audit event. */
export interface AuthorityAdministration {
  create: AuthorityCreation['create']
  /** Gives a pending generation its certificate. @throws MintlineError `authority_invalid`, `authority_transition_refused`. */
  certify(name: string, chainPem: string, act: Act): Promise<void>
  /**
   * Makes the generation the one that issues; the one before is retiring from then on. When it returns, no later
   * intent names the one before, whichever process commits it.
   *
   * @throws MintlineError `authority_transition_refused`, `authority_invalid` when it or a CA above it has expired, `key_unusable`,
   * `signer_unavailable`, `signer_disabled`.
   */
  activate(name: string, act: Act): Promise<void>
  /**
   * Ends a retiring generation. What it has begun and not finished is completed first, or abandoned: with `abandon` it
   * ends as void, so that its device can be certified by the next generation.
   *
   * @throws MintlineError `authority_transition_refused`, `intents_open`.
   */
  retire(name: string, how: Retirement, act: Act): Promise<void>
  /** What `retire` would throw, before anything is done about it. */
  assertRetirable(name: string, how: Retirement): Promise<void>
  /**
   * Ends every intent of the generation that is still open as void, so that its device can be certified by the next
   * generation, and orders all that it issued to be revoked. When it returns, no certificate of the generation is recorded
   * or handed out any more, and the order goes on by itself.
   *
   * @returns the id of the order; undefined where the generation never issued.
   * @throws MintlineError `authority_transition_refused`.
   */
  compromise(name: string, act: Act, how?: CompromiseOptions): Promise<string | undefined>
  /**
   * Signs a certificate for another generation's subject and key with the active generation `name`. Each call makes
   * one of its own; one that is cut off leaves its intent open.
   *
   * @returns its DER.
   * @throws MintlineError `authority_transition_refused`, `authority_invalid`, and what the key's store throws.
   */
  crossSign(name: string, subjectName: string, act: Act): Promise<Uint8Array>
}

interface CompromiseOptions {
  /** Whether its key signs a last CRL, once all is revoked; it does unless told. */
  readonly lastCrl?: boolean | undefined
}

/** What becomes of open intents. */
interface Retirement {
  readonly abandon: boolean
}

export interface AdministrationDependencies {
  readonly store: AuthorityStore
  readonly intents: Pick<CertificateIntentStore, 'insert'>
  readonly authorities: Pick<Authorities, 'refresh'>
  readonly creation: Pick<AuthorityCreation, 'create'>
  readonly openSigner: OpenSigner
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createAuthorityAdministration(
  dependencies: AdministrationDependencies
): AuthorityAdministration {
  const { store, authorities, creation, openSigner, clock } = dependencies
  const { stepEvent, voidsOf } = createEventMaker(dependencies)

  const requireNamed = async (name: string) => requireGeneration(await store.generations(), name)

  type Rest = Pick<AuthorityChange, 'voids' | 'noneOpen'>

  /** One step of one generation, with what goes along with it. */
  async function step(
    name: string,
    next: Step,
    { act, rest }: { readonly act: Act; readonly rest: (generation: StoredGeneration) => Rest }
  ): Promise<void> {
    await store.change(generations => {
      const generation = requireGeneration(generations, name)
      assertTransition(name, generation.state, next)
      const states = [{ id: generation.id, state: next }]
      return { states, ...rest(generation), events: [stepEvent(act, generation, next)] }
    })
    await authorities.refresh()
  }

  return {
    async create(request, act) {
      const name = await creation.create(request, act)
      await authorities.refresh()
      return name
    },
    async certify(name, chainPem, act) {
      await certify(dependencies, { name, chainPem }, act)
      await authorities.refresh()
    },
    async activate(name, act) {
      const candidate = await requireNamed(name)
      assertTransition(name, candidate.state, 'active')
      const certified = requireCertified(candidate)
      assertPathNotExpired(certified, clock())
      // A switch to a key that does not answer would stop the line.
      await withProvenSigner(openSigner, certified, async () => undefined)
      await store.change(generations =>
        activation(generations, name, (generation, next) => stepEvent(act, generation, next))
      )
      await authorities.refresh()
    },
    retire: (name, { abandon }, act) =>
      step(name, 'retired', {
        act,
        rest: generation =>
          abandon ? { voids: voidsOf(generation, 'was retired', act) } : { noneOpen: generation }
      }),
    async assertRetirable(name, { abandon }) {
      const generation = await requireNamed(name)
      assertTransition(name, generation.state, 'retired')
      if (!abandon) await store.assertNoneOpen(generation)
    },
    compromise: (name, act, how) => compromise(dependencies, { name, how }, act),
    crossSign: (name, subjectName, act) => crossSign(dependencies, { name, subjectName }, act)
  }
}

async function certify(
  dependencies: AdministrationDependencies,
  { name, chainPem }: { readonly name: string; readonly chainPem: string },
  act: Act
): Promise<void> {
  const { store, clock } = dependencies
  const { stepEvent } = createEventMaker(dependencies)
  const pending = requireGeneration(await store.generations(), name)
  assertTransition(name, pending.state, 'staged')
  const expectation = { spkiDer: spkiOf(pending)!, now: clock(), origin: 'request' } as const
  const chain = await verifyAuthorityChain(chainPem, expectation)
  await store.change(generations => {
    const generation = requireGeneration(generations, name)
    assertTransition(name, generation.state, 'staged')
    const keys = keyDigestsOf(expectation.spkiDer, chain.issuersDer)
    const events = [stepEvent(act, generation, 'staged')]
    return { certify: { id: generation.id, ...chain }, keys, events }
  })
}

async function compromise(
  dependencies: AdministrationDependencies,
  { name, how }: { readonly name: string; readonly how: CompromiseOptions | undefined },
  act: Act
): Promise<string | undefined> {
  const { store, authorities } = dependencies
  const { stepEvent, voidsOf } = createEventMaker(dependencies)
  const compromiseOf = createCompromiseMaker(dependencies)
  let orderId: string | undefined
  await store.change(generations => {
    const generation = requireGeneration(generations, name)
    assertTransition(name, generation.state, 'compromised')
    const voids = voidsOf(generation, 'was declared compromised', act)
    const { compromise, events } = compromiseOf(generation, act, how)
    orderId = compromise.order?.id
    return {
      states: [{ id: generation.id, state: 'compromised' }],
      voids,
      compromise,
      events: [stepEvent(act, generation, 'compromised'), ...events]
    }
  })
  await authorities.refresh()
  return orderId
}

async function crossSign(
  dependencies: AdministrationDependencies,
  { name, subjectName }: { readonly name: string; readonly subjectName: string },
  act: Act
): Promise<Uint8Array> {
  const { store, openSigner, clock, randomBytes } = dependencies
  const { eventOf } = createEventMaker(dependencies)
  const all = await store.generations()
  const issuer = requireCertified(requireGeneration(all, name))
  const subject = requireCertified(requireGeneration(all, subjectName))
  const content = crossContent(issuer, subject, clock())
  const intended = crossIntended(issuer, subjectName)
  const { intentId, certificateDer } = await withProvenSigner(openSigner, issuer, signer =>
    issueIntendedAuthority(dependencies, signer, { content, intended, act })
  )
  await store.change(generations => {
    assertMayCrossSign(requireGeneration(generations, name), requireGeneration(generations, subjectName))
    const event = eventOf(act, 'cross-sign', { authority: name, after: { certificateOf: subjectName } })
    const { createdAt } = event
    const id = newId(createdAt, randomBytes)
    const parties = { issuerId: issuer.id, subjectId: subject.id }
    return { crossCertificate: { id, intentId, ...parties, certificateDer, createdAt }, events: [event] }
  })
  return certificateDer
}

/** What a generation becomes: none becomes what it begins as. */
type Step = Exclude<AuthorityState, 'pending'>

interface EventDetail {
  /** Name of the generation. */
  readonly authority: string
  readonly before?: object
  readonly after: object
}

function createEventMaker({ clock, randomBytes }: Pick<AdministrationDependencies, 'clock' | 'randomBytes'>) {
  function eventOf(
    act: Act,
    verb: VerbOf<'authority'>,
    { authority, before, after }: EventDetail
  ): AuditEvent {
    const subject = `authority/${authority}`
    return buildAuditEvent(
      { ...act, act: `authority.${verb}`, subject, before, after },
      { time: clock(), randomBytes }
    )
  }

  function stepEvent(act: Act, { name, state }: StoredGeneration, next: Step): AuditEvent {
    return eventOf(act, next, { authority: name, before: { state }, after: { state: next } })
  }

  function voidsOf(
    { id: authorityId, name }: StoredGeneration,
    happened: string,
    act: Act
  ): NonNullable<AuthorityChange['voids']> {
    const voidedAt = clock()
    const reason = `${name} ${happened}${act.reason === undefined ? '' : `: ${act.reason}`}`
    const eventOf = ({ id, ...facts }: VoidedIntent) =>
      buildAuditEvent(
        {
          ...act,
          reason,
          act: 'issuance.void',
          subject: `issuance/${id}`,
          before: { ...facts, state: 'unknown' },
          after: { state: 'void' }
        },
        { time: voidedAt, randomBytes }
      )
    return { authorityId, voidedAt, voidedBy: act.actor, reason, eventOf }
  }

  return { eventOf, stepEvent, voidsOf }
}

function crossIntended(issuer: StoredAuthority, subjectName: string): IntendedFor {
  const { name: issuerName, signer } = issuer
  return { purpose: 'cross-signed', issuerName, authorityName: subjectName, signer }
}

/** The generation that issues now steps back first: a line has one active generation at every moment. */
function activation(
  generations: readonly StoredGeneration[],
  name: string,
  eventOf: (generation: StoredGeneration, next: Step) => AuditEvent
): AuthorityChange {
  const successor = requireGeneration(generations, name)
  assertTransition(name, successor.state, 'active')
  const { id, line } = successor
  const spkiDer = spkiOf(successor)
  const before = generations.filter(generation => generation.line === line && generation.state === 'active')
  return {
    states: [...before.map(each => ({ id: each.id, state: 'retiring' as const })), { id, state: 'active' }],
    keys: spkiDer === undefined ? [] : keyDigestsOf(spkiDer, successor.issuersDer),
    events: [...before.map(each => eventOf(each, 'retiring')), eventOf(successor, 'active')]
  }
}
