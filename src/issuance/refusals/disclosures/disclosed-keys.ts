import type { Principal } from '../../../access/principal.ts'
import { newKeyAdvice } from '../../../factory/blocked-keys/blocked-key.ts'
import { toHex } from '../../../pki/der/octet-text.ts'

/** The keys of which a private half was sent, or seems to have been, by SHA-256 of their SubjectPublicKeyInfo. */
export interface DisclosedKeys {
  readonly blocked: readonly Uint8Array[]
  /** Public halves beside what could not be read, which anybody can write there. */
  readonly claimed: readonly Uint8Array[]
  /** More than one client has blocked in a minute. */
  readonly beyond: readonly Uint8Array[]
  /** Of some key not even the public half can be told. */
  readonly isAnySealed: boolean
  readonly isAnyPkcs12: boolean
}

/** How many an answer and an audit event name of each kind. */
const mostNamed = 100

/** As it stands in the answer and in the audit. */
export function listingOf({ blocked, claimed, beyond }: DisclosedKeys) {
  const others = [...claimed, ...beyond]
  return {
    spkiSha256: blocked.slice(0, mostNamed).map(toHex),
    ...(blocked.length > mostNamed && { spkiSha256Omitted: blocked.length - mostNamed }),
    ...(others.length > 0 && { notBlockedSpkiSha256: others.slice(0, mostNamed).map(toHex) }),
    ...(others.length > mostNamed && { notBlockedSpkiSha256Omitted: others.length - mostNamed })
  }
}

export type KeyListing = ReturnType<typeof listingOf>

interface Told {
  /** Whose key one of them is. */
  readonly authorities: readonly string[]
  readonly principal: Principal
}

/** How many a sentence names. The refusal on record has the sentences alone. */
const mostWritten = 20

function byHand(others: readonly Uint8Array[]): string {
  const written = others.slice(0, mostWritten).map(toHex).join(', ')
  const more = others.length > mostWritten ? `, and ${others.length - mostWritten} more` : ''
  return `Not blocked was what has the SHA-256 ${written}${more}: an administrator does that with POST /v1/blocked-keys.`
}

/** What happened, and what is done now. */
export function sentencesOf(
  { blocked, claimed, beyond, isAnySealed, isAnyPkcs12 }: DisclosedKeys,
  { authorities, principal }: Told
): readonly string[] {
  const sentences = ['What was sent holds a private key. Nothing of it was kept.']
  if (blocked.length > 0) {
    sentences.push(
      'The key is known to this service now, so it is blocked: it is not certified, by whatever profile.'
    )
  }
  if (claimed.length > 0) {
    sentences.push(
      'Of an encrypted or damaged one a public key stands beside it, which is not proven to be its own: do not use that key.'
    )
  }
  if (beyond.length > 0) {
    sentences.push(`Of ${beyond.length} more there were too many within a minute: do not use them.`)
  }
  if (claimed.length + beyond.length > 0) sentences.push(byHand([...claimed, ...beyond]))
  if (isAnySealed) {
    sentences.push(
      'One that is encrypted or damaged does not tell its public key, so that it could not be blocked: do not use it.'
    )
  }
  if (isAnyPkcs12) {
    sentences.push(
      'It is a PKCS#12 key store: send nothing but what is asked for. `openssl pkcs12 -in FILE -nokeys -out chain.pem` takes the certificates out.'
    )
  }
  sentences.push(newKeyAdvice)
  if (authorities.length > 0 && principal.role !== 'station') {
    sentences.push(`It is the key of the authority ${authorities.join(', ')}: declare that compromised.`)
  }
  return sentences
}
