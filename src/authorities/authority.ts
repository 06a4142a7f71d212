import { createPublicKey, type KeyObject } from 'node:crypto'
import { MintlineError } from '../errors.ts'
import { parseAuthorityCertificate, type AuthorityCertificate } from '../pki/authority-certificate.ts'
import { isEqual } from '../pki/octets.ts'
import type { AuthorityStore, StoredAuthority } from './authority-store.ts'
import type { Signer } from './signers/signer.ts'
import type { OpenSigner } from './signers/open-signer.ts'

export const authorityStates = ['pending', 'staged', 'active', 'retiring', 'retired', 'compromised'] as const
export type AuthorityState = (typeof authorityStates)[number]

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
}

/** An authority that can sign now. */
export interface IssuingAuthority extends Authority {
  readonly signer: Signer
}

export interface Authorities {
  /**
   * The active generation of a line, with its key opened and proven to belong to the certificate.
   *
   * @throws MintlineError `authority_unavailable` when the line has none; `key_unusable`; `signer_unavailable`.
   */
  issuing(line: string): Promise<IssuingAuthority>
  /** As `issuing`, for the generation that an earlier intent names. */
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
  readonly store: AuthorityStore
  readonly openSigner: OpenSigner
}

export function createAuthorities({ store, openSigner }: AuthorityDependencies): Authorities {
  const known = new Map<string, Authority>()
  const issuing = new Map<string, IssuingAuthority>()
  const signers = new Map<string, Promise<Signer>>()

  async function signerOf(stored: StoredAuthority, authority: Authority): Promise<Signer> {
    const opened =
      signers.get(stored.id) ??
      openSigner(stored.signer).then(async signer => {
        if (isEqual(signer.publicKeySpkiDer, authority.certificate.spkiDer)) return signer
        await signer.close()
        throw new MintlineError(
          'key_unusable',
          `The key of ${authority.name} does not belong to its certificate. Restore the right key file.`
        )
      })
    signers.set(stored.id, opened)
    // A key that could not be opened is tried again at the next refresh.
    return opened.catch((error: unknown) => {
      signers.delete(stored.id)
      throw error
    })
  }

  async function refresh(): Promise<void> {
    const active = new Map<string, IssuingAuthority>()
    for (const stored of await store.list()) {
      const authority = toAuthority(stored)
      known.set(authority.id, authority)
      if (authority.state !== 'active') continue
      active.set(authority.line, { ...authority, signer: await signerOf(stored, authority) })
    }
    issuing.clear()
    for (const [line, authority] of active) issuing.set(line, authority)
  }

  return {
    refresh,
    async issuing(line) {
      if (!issuing.has(line)) await refresh()
      const authority = issuing.get(line)
      if (authority !== undefined) return authority
      throw new MintlineError(
        'authority_unavailable',
        `No generation of the authority ${line} is active, so nothing can be signed. Tell the administrator.`
      )
    },
    async issuingById(id) {
      const find = () => [...issuing.values()].find(authority => authority.id === id)
      if (find() === undefined) await refresh()
      const authority = find()
      if (authority !== undefined) return authority
      throw new MintlineError(
        'authority_unavailable',
        'The authority of this intent no longer signs, so it cannot be completed. Tell the administrator.'
      )
    },
    async hasLine(line) {
      const isKnown = () => [...known.values()].some(authority => authority.line === line)
      if (!isKnown()) await refresh()
      return isKnown()
    },
    async find(id) {
      if (!known.has(id)) await refresh()
      const authority = known.get(id)
      if (authority !== undefined) return authority
      throw new MintlineError('authority_not_found', `There is no authority with the id ${id}.`)
    },
    list: () => [...known.values()],
    async assertUsable() {
      await Promise.all([...issuing.values()].map(authority => authority.signer.assertUsable()))
    },
    async close() {
      for (const result of await Promise.allSettled(signers.values())) {
        if (result.status === 'fulfilled') await result.value.close()
      }
    }
  }
}

function toAuthority(stored: StoredAuthority): Authority {
  const certificate = parseAuthorityCertificate(stored.certificateDer)
  const { id, name, line, generation, state, certificateDer, issuersDer } = stored
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
    chainDer: [certificateDer, ...intermediates]
  }
}
