import { MintlineError } from '../../../errors/mintline-error.ts'
import { type Certificate, certificateIdHex } from '../../../pki/certificate/certificate.ts'
import { extensionOids } from '../../../pki/certificate/extension.ts'
import { parseAlternativeNames } from '../../../pki/name/alternative-names.ts'

/** What a station's client certificate is known by: one of these. */
export type ClientIdentity =
  | {
      /** Lower-case hex SHA-256 of one certificate. */
      readonly fingerprint: string
    }
  | {
      /** Of a subjectAltName, the whole of it. */
      readonly uri: string
    }
  | {
      /** Of a subjectAltName, in lower case. */
      readonly dnsName: string
    }
  | {
      /** The only one of the subject. */
      readonly commonName: string
    }

/** From what says most of one certificate to what says least. */
export const identityKinds = ['fingerprint', 'uri', 'dnsName', 'commonName'] as const

type IdentityKind = (typeof identityKinds)[number]

/** As it is kept, and as two are compared: the kind, a colon and the value. */
export type IdentityText = `${IdentityKind}:${string}`

export function textOfIdentity(identity: ClientIdentity): IdentityText {
  if ('fingerprint' in identity)
    return `fingerprint:${identity.fingerprint.replaceAll(':', '').toLowerCase()}`
  if ('uri' in identity) return `uri:${identity.uri}`
  if ('dnsName' in identity) return `dnsName:${identity.dnsName.toLowerCase()}`
  return `commonName:${identity.commonName}`
}

export function identityOfText(text: string): ClientIdentity {
  const at = text.indexOf(':')
  return { [text.slice(0, at)]: text.slice(at + 1) } as unknown as ClientIdentity
}

/** Before the id of the intent: how a certificate is known that was issued to its station here. No administrator gives it. */
export const issuedPrefix = 'issuance:'

export function isIssuedHere(identity: string): boolean {
  return identity.startsWith(issuedPrefix)
}

const maximumIdentities = 50

/**
 * All that a certificate could be known by, what says most first. A subject with two common names has none that counts.
 *
 * @throws MintlineError `certificate_malformed`.
 */
export function identitiesOf({ der, subjectName, extensions }: Certificate): readonly IdentityText[] {
  const value = extensions.all.find(({ oid }) => oid === extensionOids.subjectAlternativeName)?.value
  const { uris, dnsNames } = value === undefined ? { uris: [], dnsNames: [] } : parseAlternativeNames(value)
  const commonNames = subjectName.attributes.filter(({ field }) => field === 'CommonName')
  const [only] = commonNames
  const texts: IdentityText[] = [
    `fingerprint:${certificateIdHex(der)}`,
    ...uris.map(uri => `uri:${uri}` as const),
    ...dnsNames.map(name => `dnsName:${name}` as const)
  ]
  if (only !== undefined && commonNames.length === 1 && only.unreadable === undefined)
    texts.push(`commonName:${only.value}`)
  if (texts.length > maximumIdentities)
    throw new MintlineError(
      'certificate_malformed',
      `The certificate has more than ${maximumIdentities} names.`
    )
  return texts
}
