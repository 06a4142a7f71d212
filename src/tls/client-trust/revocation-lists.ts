import { isMintlineError, type Violation } from '../../errors/mintline-error.ts'
import { fromBase64, toHex } from '../../pki/der/octet-text.ts'
import { isSignatureValid } from '../../pki/key/signature.ts'
import { signatureScheme } from '../../pki/key/signature-algorithm.ts'
import { describeName } from '../../pki/path/distinguished-name.ts'
import { parseRevocationList, type RevocationList } from '../../pki/revocation/revocation-list.ts'
import { nameKeyOf, pemBlocks, type TrustAnchor, withoutStop } from './trust-anchor.ts'

const maximumLists = 100
const expected = `complete CRLs in PEM, at most ${maximumLists}, each of a CA of the other file`

interface ReadLists {
  /** With the CRLs, less those that another one has revoked. */
  readonly anchors: readonly TrustAnchor[]
  readonly violations: readonly Violation[]
}

/** Gives each CA the newest CRL that it signed. One that is of none of them is a violation. */
export async function readRevocationLists(
  pem: string,
  pointer: string,
  anchors: readonly TrustAnchor[]
): Promise<ReadLists> {
  const blocks = pemBlocks(pem, 'X509 CRL')
  const refuse = (found: string, message: string): ReadLists => ({
    anchors,
    violations: [{ pointer, expected, found, message }]
  })
  if (blocks.length === 0) {
    return refuse(
      'no CRL in PEM',
      'Name the file with the CRL of each CA. One in DER becomes PEM by `openssl crl -inform DER -in FILE -out NEW`.'
    )
  }
  if (blocks.length > maximumLists) return refuse(`${blocks.length} of them`, 'Leave one for each CA.')
  let listed = anchors
  for (const [index, block] of blocks.entries()) {
    const place = `CRL ${index + 1} of ${blocks.length}`
    let list: RevocationList
    try {
      list = parseRevocationList(fromBase64(block, false))
    } catch (error) {
      if (error instanceof SyntaxError) return refuse(`${place}, which is no base64`, 'Replace it.')
      if (!isMintlineError(error)) throw error
      return refuse(`${place}, which cannot be used: ${withoutStop(error.detail)}`, 'Replace it.')
    }
    const signers = await signersOf(list, anchors)
    if (signers.length === 0) {
      return refuse(
        `${place}, of ${describeName(list.issuerName)}, which no CA of the other file signed`,
        'Take it out, or put the certificate of that CA into the other file.'
      )
    }
    listed = listed.map(anchor =>
      signers.some(({ certificate }) => certificate === anchor.certificate) && isNewer(list, anchor)
        ? { ...anchor, revocationList: list }
        : anchor
    )
  }
  const standing = listed.filter(anchor => !isRevoked(anchor, listed))
  if (standing.length === 0) return refuse('some that revoke every CA of the other file', 'Name other CAs.')
  return { anchors: standing, violations: [] }
}

function isNewer({ thisUpdate }: RevocationList, { revocationList }: TrustAnchor): boolean {
  return revocationList === undefined || revocationList.thisUpdate < thisUpdate
}

/** The CAs of that name whose key the signature holds under. */
async function signersOf(list: RevocationList, anchors: readonly TrustAnchor[]) {
  const { signatureAlgorithm, tbsDer: signed, signature, issuerName } = list
  const { algorithm, saltLength } = signatureAlgorithm
  const name = nameKeyOf(issuerName)
  const signers: TrustAnchor[] = []
  for (const anchor of anchors) {
    const { subjectName, extensions } = anchor.certificate
    if (algorithm === undefined || nameKeyOf(subjectName) !== name) continue
    if (extensions.keyUsage !== undefined && !extensions.keyUsage.includes('cRLSign')) continue
    if (anchor.key.asymmetricKeyType !== signatureScheme(algorithm).keyType) continue
    if (await isSignatureValid({ algorithm, saltLength, key: anchor.key, signed, signature }))
      signers.push(anchor)
  }
  return signers
}

/** A CA of the file that is below another one of it, and that the other one has revoked. */
function isRevoked({ certificate }: TrustAnchor, anchors: readonly TrustAnchor[]): boolean {
  const issuer = nameKeyOf(certificate.issuerName)
  return anchors.some(
    ({ certificate: above, revocationList }) =>
      nameKeyOf(above.subjectName) === issuer &&
      revocationList?.revoked.has(toHex(certificate.serialNumber)) === true
  )
}
