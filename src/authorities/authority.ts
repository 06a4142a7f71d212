import { createPublicKey, type KeyObject } from 'node:crypto'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import {
  type AuthorityCertificate,
  parseAuthorityCertificate
} from '../pki/certificate/authority-certificate.ts'
import type { OpenSigner } from '../signing/signers/open-signer.ts'
import type { Signer } from '../signing/signers/signer.ts'
import type { SignerReference } from '../signing/signers/signer-reference.ts'
import type { AuthorityStore, StoredAuthority } from './authority-store.ts'
import { OpenedSigners } from './generations/opened-signers.ts'
import type { AuthorityState } from './life-cycle/life-cycle.ts'
import { createRefresh } from './refresh.ts'
import { cannotSign, noLongerSigns, noneActive } from './unavailable.ts'

/** One generation of an authority line, as far as it is public. */
export interface Authority {
  readonly id: string
  /** `<line>-g<generation>`, e.g. `starter-g1`. */
  readonly name: string
  readonly line: string
  readonly generation: number
  readonly state: AuthorityState
  readonly certificate: AuthorityCertificate
  readonly certificateDer: Uint8Array
  readonly publicKey: KeyObject
  /** What a device presents after its own certificate: this CA, then intermediates above it, no root above one. */
  readonly chainDer: readonly Uint8Array[]
  /** Where its key is. */
  readonly signerReference: SignerReference
}

/** An authority that can sign now. */
export interface IssuingAuthority extends Authority {
  readonly signer: Signer
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
  /** @throws MintlineError `authority_not_found`. */
  find(id: string): Promise<Authority>
  /** Reads the generations anew; an `issuing` after it sees what the database holds now. */
  refresh(): Promise<void>
  /** As of the last read. */
  list(): readonly Authority[]
  /** @throws MintlineError when any active generation could not sign at this moment. */
  assertUsable(): Promise<void>
  close(): Promise<void>
}

export interface AuthorityDependencies {
  readonly store: Pick<AuthorityStore, 'list'>
  readonly openSigner: OpenSigner
}

export function createAuthorities({ store, openSigner }: AuthorityDependencies): Authorities {
  let known: ReadonlyMap<string, Authority> = new Map()
  const signers = new OpenedSigners(openSigner)

  async function open(authority: Authority): Promise<IssuingAuthority> {
    const { id, name, signerReference: reference, certificate } = authority
    try {
      return {
        ...authority,
        signer: await signers.open(id, { name, reference, spkiDer: certificate.spkiDer })
      }
    } catch (error) {
      throw isMintlineError(error, 'key_unusable') ? cannotSign(authority, error) : error
    }
  }

  const active = () => [...known.values()].filter(({ state }) => state === 'active')
  const refresh = createRefresh(async () => {
    const authorities = (await store.list()).map(toAuthority)
    known = new Map(authorities.map(authority => [authority.id, authority]))
    signers.keepOnly(id => findFinishing(id) !== undefined)
  })

  function findFinishing(id: string): Authority | undefined {
    const authority = known.get(id)
    return authority !== undefined && mayFinish(authority) ? authority : undefined
  }

  /** What was read before will do if it has it; else it is read again. */
  async function look<Found>(find: () => Found | undefined): Promise<Found | undefined> {
    const found = find()
    if (found !== undefined) return found
    await refresh()
    return find()
  }

  return {
    refresh,
    async issuing(line) {
      const authority = await look(() => active().find(authority => authority.line === line))
      if (authority === undefined) throw noneActive(line, [...known.values()])
      return open(authority)
    },
    async issuingById(id) {
      const authority = await look(() => findFinishing(id))
      if (authority === undefined) throw noLongerSigns()
      return open(authority)
    },
    async hasLine(line) {
      return (await look(() => [...known.values()].find(authority => authority.line === line))) !== undefined
    },
    async find(id) {
      const authority = await look(() => known.get(id))
      if (authority !== undefined) return authority
      throw new MintlineError('authority_not_found', `There is no authority with the id ${id}.`)
    },
    list: () => [...known.values()],
    async assertUsable() {
      await Promise.all(active().map(async authority => (await open(authority)).signer.assertUsable()))
    },
    close: () => signers.close()
  }
}

function mayFinish({ state }: Authority): boolean {
  return state === 'active' || state === 'retiring'
}

function toAuthority(stored: StoredAuthority): Authority {
  const certificate = parseAuthorityCertificate(stored.certificateDer)
  const { id, name, line, generation, state, certificateDer, issuersDer, signer } = stored
  const intermediates = issuersDer.filter(der => !parseAuthorityCertificate(der).isSelfSigned)
  return {
    id,
    name,
    line,
    generation,
    state,
    certificate,
    certificateDer,
    publicKey: createPublicKey({ key: Buffer.from(certificate.spkiDer), format: 'der', type: 'spki' }),
    chainDer: [certificateDer, ...intermediates],
    signerReference: signer
  }
}
