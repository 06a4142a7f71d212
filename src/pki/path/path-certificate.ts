import type { TbsCertificate } from '../certificate/certificate.ts'
import { isEqual } from '../der/octets.ts'
import { describeName } from './distinguished-name.ts'

/** As much of a CA certificate as the certificates below it are judged by. */
export type PathCertificate = Pick<TbsCertificate, 'subjectName' | 'issuerName' | 'extensions'>

/** The issuing CA first, the root last. */
export type Path = readonly PathCertificate[]

/** Issuer and subject are the same name (RFC 5280 §6.1): some rules pass over such a CA. */
export function isSelfIssued({ subjectName, issuerName }: PathCertificate): boolean {
  return isEqual(subjectName.der, issuerName.der)
}

/** For messages. */
export function describePlace(path: Path, index: number): string {
  return `certificate ${index + 1} of the chain (${describeName(path[index]!.subjectName)})`
}
