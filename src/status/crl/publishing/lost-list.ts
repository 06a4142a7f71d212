import type { Authority } from '../../../authorities/authority.ts'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import { isEqual } from '../../../pki/der/octets.ts'
import { isSignatureValid } from '../../../pki/key/signature.ts'
import { identifyList } from '../../../pki/revocation/list/list-identity.ts'
import type { StoredCrl } from '../crl-store.ts'

/** The number of a CRL, where the authority has signed it; else undefined. */
export async function numberOfOwn(der: Uint8Array, authority: Authority): Promise<number | undefined> {
  try {
    const { tbsDer, signatureAlgorithm, signature, issuerNameDer, number } = identifyList(der)
    if (!isEqual(issuerNameDer, authority.certificate.subjectNameDer)) return undefined
    const { algorithm, saltLength } = signatureAlgorithm
    if (algorithm === undefined) return undefined
    const about = { algorithm, saltLength, key: authority.publicKey, signed: tbsDer, signature }
    return (await isSignatureValid(about)) ? number : undefined
  } catch (error) {
    if (isMintlineError(error)) return undefined
    throw error
  }
}

interface Lost {
  readonly target: string
  readonly path: string
  readonly number: number
  readonly crl: Pick<StoredCrl, 'number'>
  readonly authority: Pick<Authority, 'name'>
}

export function describeLost({ target, path, number, crl, authority: { name } }: Lost): string {
  const higher =
    number > crl.number ? `, which is higher than ours (${crl.number})` : `; ours is ${crl.number}`
  return `At ${target} there is a CRL of ${name} in ${path} that is not on record here. Its number is ${number}${higher}. It was signed with the key of ${name} after the backup from which the database was restored, or elsewhere, and may revoke what the record does not: it is left as it is. Look at it (openssl crl -inform DER -text), revoke here what it has and ours lacks (POST /v1/certificates/{serial number}/revoke), and then take the file away: ours is put there within two minutes.`
}
