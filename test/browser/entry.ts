import { MintlineError } from '../../src/errors/mintline-error.ts'
import { examineTemplate } from '../../src/jitp/checks/check.ts'
import { compileTemplate, requiredSubjectFields } from '../../src/jitp/evaluation/compile.ts'
import { type CertificateFacts, evaluateTemplate } from '../../src/jitp/evaluation/evaluate.ts'
import { isError } from '../../src/jitp/findings/finding.ts'
import { readTemplateSource } from '../../src/jitp/reading/template-source.ts'
import { explainTemplate } from '../../src/jitp/template/explain.ts'
import type { TemplateOptions } from '../../src/jitp/template/options.ts'
import { certificateIdHex, parseCertificate } from '../../src/pki/certificate/certificate.ts'
import { decodeCertificate } from '../../src/pki/certificate/intake.ts'
import { assertSubjectReadable, parseCertificationRequest } from '../../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../src/pki/csr/intake.ts'
import { verifyProofOfPossession } from '../../src/pki/csr/proof-of-possession.ts'
import { isEqual } from '../../src/pki/der/octets.ts'
import { keyIdentifierOf } from '../../src/pki/key/key-identifier.ts'
import { assertKeyAllowed, assertKeySupported } from '../../src/pki/key/public-key.ts'
import { isSignatureValid } from '../../src/pki/key/signature.ts'
import { importVerificationKey } from '../../src/pki/key/verification-key.ts'
import { subjectOf } from '../../src/pki/name/name.ts'
import { encodeCertificatePem } from '../../src/pki/pem/pem.ts'

/**
 * What a page can do with the pure folders. Everything comes back as JSON, so that what a browser finds can be held
 * against what Node finds. A refusal comes back as it is, any other error is thrown.
 */

/** The refusal, the work being done without one. */
async function outcomeOf(act: () => unknown): Promise<string> {
  try {
    return JSON.stringify(await act())
  } catch (error) {
    if (!(error instanceof MintlineError)) throw error
    const { code, detail, violations } = error
    return JSON.stringify({ code, detail, violations })
  }
}

export async function takeInCsr(input: Uint8Array): Promise<string> {
  return outcomeOf(async () => {
    const csr = parseCertificationRequest(decodeCertificationRequest(input))
    await verifyProofOfPossession(csr)
    assertKeyAllowed(csr.publicKey, {
      ec: { curves: ['P-256', 'P-384', 'P-521'] },
      rsa: { minimumBits: 2048, maximumBits: 4096 }
    })
    assertSubjectReadable(csr)
    return { subject: subjectOf({ attributes: csr.subject }), key: csr.spkiDer.toHex() }
  })
}

export async function takeInCertificate(input: Uint8Array): Promise<string> {
  return outcomeOf(() => {
    const certificate = parseCertificate(decodeCertificate(input), 'certificate_malformed')
    const { subject, notBefore, notAfter, extensions, der } = certificate
    const { keyUsage, extendedKeyUsage, subjectKeyIdentifier } = extensions
    return {
      id: certificateIdHex(der),
      pem: encodeCertificatePem(der),
      subject,
      notBefore,
      notAfter,
      usage: [keyUsage, extendedKeyUsage, subjectKeyIdentifier?.toHex()]
    }
  })
}

/** Every verdict on a template, and what it makes of a certificate. */
export async function judgeTemplate(text: string, subject: CertificateFacts['subject']): Promise<string> {
  const options: TemplateOptions = {
    generatedPolicyName: 'sha1-of-document',
    serialNumberSource: 'certificate'
  }
  return outcomeOf(() => {
    const source = readTemplateSource(text)
    const examination = examineTemplate(source, options)
    const { findings } = examination
    const explanation = explainTemplate(examination.template, options)
    if (findings.some(isError)) return { findings, explanation }
    const compiled = compileTemplate(examination, options)
    const facts = {
      subject,
      certificateSerialNumber: Uint8Array.of(0x45, 0xff, 1),
      certificateId: '00'.repeat(32)
    }
    const evaluation = evaluateTemplate(compiled, facts)
    return { findings, explanation, required: requiredSubjectFields(compiled), evaluation }
  })
}

/** Whether a certificate is signed by the key in another one, as an auditor's page would ask. */
export async function verifyCertificate(certificateDer: Uint8Array, issuerDer: Uint8Array): Promise<string> {
  return outcomeOf(async () => {
    const { tbsDer, signatureAlgorithm, signature } = parseCertificate(certificateDer)
    const { subjectPublicKeyInfo, extensions } = parseCertificate(issuerDer)
    assertKeySupported(subjectPublicKeyInfo.key)
    const key = await importVerificationKey(subjectPublicKeyInfo.der, subjectPublicKeyInfo.key)
    const isValid = await isSignatureValid({
      algorithm: signatureAlgorithm.algorithm!,
      key,
      signed: tbsDer,
      signature
    })
    const keyIdentifier = keyIdentifierOf(subjectPublicKeyInfo.subjectPublicKey)
    return { isValid, isNamed: isEqual(keyIdentifier, extensions.subjectKeyIdentifier!) }
  })
}
