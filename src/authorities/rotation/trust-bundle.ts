import type { CrossCertificate, StoredGeneration } from '../authority-store.ts'

/**
 * Every CA certificate that a relying party of devices may need, each once: those of staged generations too, so that they are
 * spread before they issue, and those of retired ones, whose devices live on. What is compromised is left out, and
 * so is what it signed or was given by cross-signing.
 */
export function buildTrustBundle(
  generations: readonly StoredGeneration[],
  crossCertificates: readonly CrossCertificate[]
): readonly Uint8Array[] {
  const trusted = generations.filter(({ state, purpose }) => purpose === 'devices' && state !== 'compromised')
  const trustedIds = new Set(trusted.map(({ id }) => id))
  const certificates = [
    ...trusted.flatMap(({ certificateDer, issuersDer }) =>
      certificateDer === null ? [] : [certificateDer, ...issuersDer]
    ),
    ...crossCertificates
      .filter(({ issuerId, subjectId }) => trustedIds.has(issuerId) && trustedIds.has(subjectId))
      .map(({ certificateDer }) => certificateDer)
  ]
  return [...new Map(certificates.map(der => [Buffer.from(der).toString('base64'), der])).values()]
}
