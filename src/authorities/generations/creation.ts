import type { KeyObject } from 'node:crypto'
import { type Act, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { isMintlineError, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { examineAuthorityCertificate } from '../../pki/certificate/authority/lint.ts'
import { createDerRefusal, DerReader } from '../../pki/der/reader.ts'
import { millisecondsPerDay } from '../../pki/der/time.ts'
import { parseSubjectPublicKeyInfo } from '../../pki/key/public-key.ts'
import type { Subject } from '../../pki/name/subject-field.ts'
import type { KeyProvision, KeyRequest, ProvidedKey } from '../../signing/signers/key-provision.ts'
import { createLocalSigner } from '../../signing/signers/local/local-signer.ts'
import type { OpenSigner } from '../../signing/signers/open-signer.ts'
import type { Signer } from '../../signing/signers/signer.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { AuthorityStore, NewGeneration, StoredGeneration } from '../authority-store.ts'
import type { CertificateIntentStore } from '../certificates/certificate-intent-store.ts'
import { type IntendedFor, issueIntendedAuthority } from '../certificates/intended-authority.ts'
import { type AuthorityPurpose, purposeOfNext } from '../purpose.ts'
import { type AuthorityChain, verifyAuthorityChain } from './certificate-chain.ts'
import { signCsrForUpperCa } from './csr-for-upper-ca.ts'
import { assertKeyIsNew, keyDigestsOf, nextGenerationOf, subjectOfGeneration } from './generation.ts'

export interface AuthorityRequest {
  readonly line: string
  /** Of a new line, devices unless given; later generations have that of the first. */
  readonly purpose?: AuthorityPurpose | undefined
  readonly key: KeyRequest
  readonly subject: Subject & { readonly CommonName: string }
  /** Whether a successor's CommonName gets its generation, e.g. ` G2`. Without it, it does. */
  readonly generationInSubject?: boolean | undefined
  readonly certificate:
    | { readonly kind: 'self-signed'; readonly days: number }
    /** Another CA signs; the generation is pending until its certificate comes. */
    | { readonly kind: 'external' }
}

interface ImportRequest extends Pick<AuthorityRequest, 'line' | 'purpose'> {
  readonly privateKey: KeyObject
  /** Its own certificate first, up to the root. */
  readonly chainPem: string
}

export interface ImportedAuthority {
  readonly name: string
  /** What its certificate lacks although it can issue. */
  readonly irregularities: readonly Violation[]
}

/** Makes generations of authority lines. They are staged or pending; none of them issues yet. */
export interface AuthorityCreation {
  /**
   * @returns the name of the new generation.
   * @throws MintlineError `authority_invalid`, `authority_exists`, `subject_refused`, `key_unusable`, and what the
   * key's store throws.
   */
  create(request: AuthorityRequest, act: Act): Promise<string>
  /** As `create`, of a key and a certificate that were made elsewhere. */
  importKey(request: ImportRequest, act: Act): Promise<ImportedAuthority>
}

export interface CreationDependencies {
  readonly store: Pick<AuthorityStore, 'generations' | 'change'>
  readonly intents: Pick<CertificateIntentStore, 'insert'>
  readonly keys: KeyProvision
  readonly openSigner: OpenSigner
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** The parts of a generation that depend on how it gets its certificate. */
type Credentials = Pick<
  NewGeneration,
  'state' | 'certificateDer' | 'csrDer' | 'issuersDer' | 'certificateIntentId'
>

export function createAuthorityCreation(dependencies: CreationDependencies): AuthorityCreation {
  const { store, keys, openSigner, clock } = dependencies
  return {
    async create(request, act) {
      const generations = await store.generations()
      const place = nextPlace(generations, request)
      const subject = subjectOfSuccessor(request, place.generation)
      const key = await keys.provide(request.key, place.name)
      return discardingUnused(key, async () => {
        await using signer = closing(await openSigner(key.reference))
        const { publicKeySpkiDer } = signer
        assertKeyIsNew(generations, publicKeySpkiDer)
        const intended = { authorityName: place.name, signer: key.reference }
        const { certificate } = request
        const credentials = await certify(dependencies, signer, { certificate, subject, intended, act })
        const made = { place, key, credentials, spkiDer: publicKeySpkiDer }
        return {
          name: place.name,
          commit: () => insert(dependencies, made, { ...act, act: 'authority.create' })
        }
      })
    },
    async importKey({ privateKey, chainPem, ...request }, act) {
      const place = nextPlace(await store.generations(), request)
      const spkiDer = createLocalSigner(privateKey).publicKeySpkiDer
      const expectation = { spkiDer, now: clock(), origin: 'import' } as const
      const chain: AuthorityChain = await verifyAuthorityChain(chainPem, expectation)
      const key = await keys.keep(privateKey, place.name)
      const credentials = { state: 'staged', csrDer: null, certificateIntentId: null, ...chain } as const
      const made = { place, key, credentials, spkiDer }
      const name = await discardingUnused(key, async () => ({
        name: place.name,
        commit: () => insert(dependencies, made, { ...act, act: 'authority.import' })
      }))
      return { name, irregularities: examineAuthorityCertificate(chain.certificateDer).irregularities }
    }
  }
}

interface Place {
  readonly name: string
  readonly line: string
  readonly generation: number
  readonly purpose: AuthorityPurpose
}

interface Made {
  readonly place: Place
  readonly key: ProvidedKey
  readonly credentials: Credentials
  readonly spkiDer: Uint8Array
}

async function insert(
  { store, clock, randomBytes }: CreationDependencies,
  { place, key, credentials, spkiDer }: Made,
  act: Act & { readonly act: 'authority.create' | 'authority.import' }
): Promise<void> {
  const createdAt = clock()
  const { name, line, generation, purpose } = place
  const id = newId(createdAt, randomBytes)
  const after = {
    state: credentials.state,
    purpose,
    signer: key.reference,
    subject: subjectOfGeneration(credentials),
    keyType: keyTypeOf(spkiDer)
  }
  const what: ToldAct = { ...act, subject: `authority/${name}`, after }
  const event = buildAuditEvent(what, { time: createdAt, randomBytes })
  await store.change(generations => {
    assertKeyIsNew(generations, spkiDer)
    if (nextGenerationOf(generations, line) !== generation) throw takenMeanwhile(name)
    const insert = { id, name, line, generation, purpose, createdAt, signer: key.reference, ...credentials }
    return { insert, keys: keyDigestsOf(spkiDer, credentials.issuersDer), events: [event] }
  })
}

/** E.g. `P-384` or `RSA 3072`. */
function keyTypeOf(spkiDer: Uint8Array): string {
  const reader = new DerReader(spkiDer, createDerRefusal('key_unusable', 'public key of the CA key'))
  const { key } = parseSubjectPublicKeyInfo(reader)
  if (key.type === 'ec') return key.curve
  return key.type === 'rsa' ? `RSA ${key.modulusBits}` : key.found
}

interface CertificateWish {
  readonly certificate: AuthorityRequest['certificate']
  readonly subject: Subject
  readonly intended: Pick<IntendedFor, 'authorityName' | 'signer'>
  readonly act: Act
}

async function certify(
  dependencies: CreationDependencies,
  signer: Signer,
  { certificate, subject, intended, act }: CertificateWish
): Promise<Credentials> {
  if (certificate.kind === 'external') {
    const csrDer = await signCsrForUpperCa(signer, subject)
    return { state: 'pending', certificateDer: null, csrDer, issuersDer: [], certificateIntentId: null }
  }
  const now = dependencies.clock().getTime()
  const content = {
    subject,
    spkiDer: signer.publicKeySpkiDer,
    notBefore: new Date(now - millisecondsPerDay),
    notAfter: new Date(now + certificate.days * millisecondsPerDay)
  }
  // The key's store may show the key to others, so that also its first certificate is intended first.
  const { intentId: certificateIntentId, certificateDer } = await issueIntendedAuthority(
    dependencies,
    signer,
    { content, intended: { purpose: 'self-signed', ...intended }, act }
  )
  return { state: 'staged', certificateDer, csrDer: null, issuersDer: [], certificateIntentId }
}

/** A line that looks like a generation's name would be taken for one. */
function nextPlace(
  generations: readonly StoredGeneration[],
  { line, purpose }: Pick<AuthorityRequest, 'line' | 'purpose'>
): Place {
  if (/-g\d+$/.test(line)) {
    const violation = {
      pointer: '/line',
      expected: 'a name that does not end in -g and a number',
      found: line,
      message: 'Generations are named like that. Give the line another name.'
    }
    throw new MintlineError('authority_invalid', `${line} cannot be a line.`, { violations: [violation] })
  }
  const generation = nextGenerationOf(generations, line)
  const place = { name: `${line}-g${generation}`, line, generation }
  return { ...place, purpose: purposeOfNext(generations, line, purpose) }
}

/** AWS IoT takes at most ten CAs of one subject in an account and region. */
function subjectOfSuccessor({ subject, generationInSubject }: AuthorityRequest, generation: number): Subject {
  const { CommonName } = subject
  if (generation === 1 || generationInSubject === false || / G\d+$/.test(CommonName)) return subject
  return { ...subject, CommonName: `${CommonName} G${generation}` }
}

/**
 * A key that was made and is not used is taken away again. When it is not known whether the commit took effect,
 * the key stays: the authority may be there.
 */
async function discardingUnused(
  key: ProvidedKey,
  prepare: () => Promise<{ readonly name: string; readonly commit: () => Promise<void> }>
): Promise<string> {
  let isCommitting = false
  try {
    const { name, commit } = await prepare()
    isCommitting = true
    await commit()
    return name
  } catch (error) {
    if (!isCommitting || isMintlineError(error, 'authority_exists')) await key.discard()
    throw error
  }
}

function closing(signer: Signer): Signer & AsyncDisposable {
  return { ...signer, [Symbol.asyncDispose]: () => signer.close() }
}

function takenMeanwhile(name: string): MintlineError {
  return new MintlineError(
    'authority_exists',
    `${name} has been made by somebody else at this moment. Look at it, and ask again if another one is wanted.`
  )
}
