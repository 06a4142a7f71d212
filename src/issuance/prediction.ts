import { MintlineError } from '../errors/mintline-error.ts'
import { evaluateTemplate } from '../jitp/evaluation/evaluate.ts'
import type { Prediction } from '../jitp/evaluation/prediction.ts'
import type { Finding } from '../jitp/findings/finding.ts'
import { certificateIdHex, type TbsCertificate } from '../pki/certificate/certificate.ts'
import type { CompiledDocument } from '../profiles/compiled-profile.ts'

/**
 * What AWS IoT will make of a certificate at its first connect, worked out from the TBSCertificate that is or will be
 * signed, not from the request.
 *
 * @param certificateDer known only after signing; names and values made from the certificate id are null without it.
 * @throws MintlineError `jitp_would_fail` with a violation for each reason; a subject field that is to blame is
 * pointed at as `/subject/<field>`, anything else as `/template/…`.
 */
export function predict(
  { template }: Pick<CompiledDocument, 'template'>,
  { subject, serialNumber }: TbsCertificate,
  certificateDer?: Uint8Array
): Prediction {
  const evaluation = evaluateTemplate(template, {
    subject,
    certificateSerialNumber: serialNumber,
    ...(certificateDer !== undefined && { certificateId: certificateIdHex(certificateDer) })
  })
  if (evaluation.ok) return evaluation.prediction
  const violations = evaluation.findings.map(toViolation)
  throw new MintlineError(
    'jitp_would_fail',
    `AWS IoT would not provision this device: ${violations[0]?.message ?? 'the template cannot be evaluated.'}`,
    { violations }
  )
}

function toViolation({ id, subjectField, pointer, expected, found, message }: Finding) {
  return {
    pointer: subjectField === undefined ? `/template${pointer}` : `/subject/${subjectField}`,
    expected,
    found,
    message: `${message} [${id}]`
  }
}
