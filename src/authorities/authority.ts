import { createPublicKey, type KeyObject } from 'node:crypto'
import { MintlineError } from '../errors/mintline-error.ts'
import {
  type AuthorityCertificate,
  parseAuthorityCertificate
} from '../pki/certificate/authority/certificate.ts'
import { type IssuingPath, parseIssuingPath } from '../pki/path/issuing-path.ts'
import { explainedSigner } from '../signing/signers/explained-signer.ts'
import type { OpenSigner } from '../signing/signers/open-signer.ts'
import type { Signer } from '../signing/signers/signer.ts'
import type { SignerReference } from '../signing/signers/signer-reference.ts'
import type { AuthorityStore, StoredAuthority } from './authority-store.ts'
import { OpenedSigners } from './generations/opened-signers.ts'
import type { AuthorityState } from './life-cycle/life-cycle.ts'
import type { AuthorityPurpose } from './purpose.ts'
import { createRefresh } from './refresh.ts'
import { cannotSign, damagedRow, noLongerSigns, noneActive } from './unavailable.ts'

/** One generation of an authority line, as far as it is public. */
export interface Authority {
  readonly id: string
  /** `<line>-g<generation>`, e.g. `starter-g1`. */
  readonly name: string
  readonly line: string
  readonly generation: number
  readonly state: AuthorityState
  readonly purpose: AuthorityPurpose
  readonly certificate: AuthorityCertificate
  readonly certificateDer: Uint8Array
  readonly publicKey: KeyObject
  /** What a device presents after its own certificate: this CA, then intermediates above it, no root above one. */
  readonly chainDer: readonly Uint8Array[]
  /** What it and the CAs above it, root included, leave to its certificates. */
  readonly path: IssuingPath
  /** Where its key is. */
  readonly signerReference: SignerReference
}

type AuthorityName = Pick<Authority, 'id' | 'name' | 'line' | 'state' | 'purpose'>

/** A generation whose certificates in the database cannot be read. It is told of, and stops no other. */
interface DamagedAuthority extends AuthorityName {
  readonly obstacle: MintlineError
}

/** An authority that can sign now. */
export interface IssuingAuthority extends Authority {
  readonly signer: Signer
  /**
   * Takes note that what the key's store gave back does not hold: the line is not ready for a while.
   *
   * @returns the error, with the authority and the settings in its words.
   */
  distrust(error: MintlineError): unknown
}

export interface Authorities {
  /**
   * The active generation of a line, with its key opened and proven to belong to the certificate.
   *
   * @throws MintlineError `authority_unavailable` when the line has none, or its key is another, missing or locked;
   * `signer_unavailable`, `signer_disabled`.
   */
  issuing(line: string): Promise<IssuingAuthority>
  /** As `issuing`, for the generation that an earlier intent names, be it active or retiring. */
  issuingById(id: string): Promise<IssuingAuthority>
  hasLine(line: string): Promise<boolean>
  /** For whom the line signs; undefined where there is no such line. */
  purposeOf(line: string): Promise<AuthorityPurpose | undefined>
  /** @throws MintlineError `authority_not_found`; `authority_unavailable` when its row is damaged. */
  find(id: string): Promise<Authority>
  /** Reads the generations anew, those that can be read; an `issuing` after it sees what the database holds now. */
  refresh(): Promise<void>
  /** Told after each read. @returns a function that ends it. */
  follow(tell: () => void): () => void
  /** As of the last read, oldest first. */
  list(): readonly Authority[]
  /** As of the last read: those that `list` leaves out. */
  listDamaged(): readonly DamagedAuthority[]
  close(): Promise<void>
}

export interface AuthorityDependencies {
  readonly store: Pick<AuthorityStore, 'list'>
  readonly openSigner: OpenSigner
}

/** What the last read found, oldest first. */
class KnownAuthorities {
  readonly all: readonly (Authority | DamagedAuthority)[]
  readonly sound: readonly Authority[]
  readonly damaged: readonly DamagedAuthority[]

  constructor(all: readonly (Authority | DamagedAuthority)[]) {
    this.all = all
    this.sound = all.filter(each => 'certificate' in each)
    this.damaged = all.filter(isDamaged)
  }
}

export function createAuthorities({ store, openSigner }: AuthorityDependencies): Authorities {
  let known = new KnownAuthorities([])
  const signers = new OpenedSigners(openSigner)

  async function open(authority: Authority): Promise<IssuingAuthority> {
    const { id, name, signerReference: reference, certificate } = authority
    const explain = (error: unknown) => cannotSign(authority, error)
    try {
      const signer = await signers.open(id, { name, reference, spkiDer: certificate.spkiDer })
      const distrust = (error: MintlineError) => {
        signer.recall(error)
        return explain(error)
      }
      return { ...authority, signer: explainedSigner(signer, explain), distrust }
    } catch (error) {
      throw explain(error)
    }
  }

  const followers = new Set<() => void>()
  const refresh = createRefresh(async () => {
    known = new KnownAuthorities((await store.list()).map(readAuthority))
    signers.keepOnly(id => known.all.some(each => each.id === id && mayFinish(each)))
    for (const tell of followers) tell()
  })

  /** What was read before will do if it has it; else it is read again. */
  async function look(isAsked: (each: AuthorityName) => boolean) {
    const found = known.all.find(isAsked)
    if (found !== undefined) return found
    await refresh()
    return known.all.find(isAsked)
  }

  return {
    refresh,
    async issuing(line) {
      const authority = await look(each => each.line === line && each.state === 'active')
      if (authority === undefined) throw noneActive(line, known.all)
      return open(sound(authority))
    },
    async issuingById(id) {
      const authority = await look(each => each.id === id && mayFinish(each))
      if (authority === undefined) throw noLongerSigns()
      return open(sound(authority))
    },
    hasLine: async line => (await look(each => each.line === line)) !== undefined,
    purposeOf: async line => (await look(each => each.line === line))?.purpose,
    async find(id) {
      const authority = await look(each => each.id === id)
      if (authority !== undefined) return sound(authority)
      throw new MintlineError('authority_not_found', `There is no authority with the id ${id}.`)
    },
    follow(tell) {
      followers.add(tell)
      return () => void followers.delete(tell)
    },
    list: () => known.sound,
    listDamaged: () => known.damaged,
    close: () => signers.close()
  }
}

function mayFinish({ state }: AuthorityName): boolean {
  return state === 'active' || state === 'retiring'
}

function readAuthority(stored: StoredAuthority): Authority | DamagedAuthority {
  try {
    return toAuthority(stored)
  } catch (cause) {
    const { id, name, line, state, purpose } = stored
    return { id, name, line, state, purpose, obstacle: damagedRow(name, cause) }
  }
}

function isDamaged(authority: Authority | DamagedAuthority): authority is DamagedAuthority {
  return 'obstacle' in authority
}

/** @throws MintlineError `authority_unavailable` for a damaged one. */
function sound(authority: Authority | DamagedAuthority): Authority {
  if (isDamaged(authority)) throw authority.obstacle
  return authority
}

function toAuthority(stored: StoredAuthority): Authority {
  const certificate = parseAuthorityCertificate(stored.certificateDer)
  const { id, name, line, generation, state, purpose, certificateDer, issuersDer, signer } = stored
  const intermediates = issuersDer.filter(der => !parseAuthorityCertificate(der).isSelfSigned)
  return {
    id,
    name,
    line,
    generation,
    state,
    purpose,
    certificate,
    certificateDer,
    publicKey: createPublicKey({ key: Buffer.from(certificate.spkiDer), format: 'der', type: 'spki' }),
    chainDer: [certificateDer, ...intermediates],
    path: parseIssuingPath([certificateDer, ...issuersDer]),
    signerReference: signer
  }
}
