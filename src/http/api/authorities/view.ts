import type { CertificateIntent } from '../../../authorities/certificates/certificate-intent.ts'
import type { GenerationView } from '../../../authorities/generations/generation.ts'
import type { AuthorityGenerationView, OpenCertificateIntentView } from './schemas.ts'

export function viewGeneration(generation: GenerationView): AuthorityGenerationView {
  const { name, line, generation: number, state, purpose, subject, key, certificate, issuances } = generation
  return {
    name,
    line,
    generation: number,
    state,
    purpose,
    subject,
    key,
    ...(certificate !== undefined && {
      certificate: {
        sha256: certificate.sha256,
        daysLeft: certificate.daysLeft,
        irregularities: [...certificate.irregularities],
        notBefore: certificate.notBefore.toISOString(),
        notAfter: certificate.notAfter.toISOString()
      }
    }),
    ...(issuances.isExact ? { issuances: issuances.atLeast } : { issuancesAtLeast: issuances.atLeast }),
    createdAt: generation.createdAt.toISOString()
  }
}

export function viewOpenIntent(intent: CertificateIntent): OpenCertificateIntentView {
  const { purpose, authorityName, issuerName, signer, serialNumber, createdAt, createdBy } = intent
  return {
    purpose,
    authority: authorityName,
    issuer: issuerName ?? authorityName,
    key: signer,
    serialNumber: Buffer.from(serialNumber).toString('hex'),
    createdAt: createdAt.toISOString(),
    createdBy
  }
}
