import { X509Certificate } from 'node:crypto'
import type { CaCertificateRecord } from '../../records.ts'
import type { Registry } from '../../registry/registry.ts'
import { epochSeconds } from '../operation.ts'

/** In characters. */
export const pemMaximum = 65_536

type CommonRecord = Pick<
  CaCertificateRecord,
  'certificateId' | 'certificatePem' | 'certificateMode' | 'createdAt' | 'modifiedAt' | 'customerVersion'
> & { readonly status: string }

/** What the descriptions of a CA certificate and of a device certificate have in common. */
export function describeCertificateOf(record: CommonRecord): object {
  const { certificateId, certificatePem, certificateMode, status, customerVersion } = record
  const { validFromDate, validToDate } = new X509Certificate(certificatePem)
  return {
    certificateId,
    certificatePem,
    certificateMode,
    status,
    customerVersion,
    creationDate: epochSeconds(record.createdAt),
    lastModifiedDate: epochSeconds(record.modifiedAt),
    validity: {
      notBefore: epochSeconds(validFromDate.getTime()),
      notAfter: epochSeconds(validToDate.getTime())
    }
  }
}

/** A device certificate in a list. */
export function summarize({ certificateArn }: Registry, record: CommonRecord): object {
  const { certificateId, status, certificateMode, createdAt } = record
  return {
    certificateArn: certificateArn(certificateId),
    certificateId,
    status,
    certificateMode,
    creationDate: epochSeconds(createdAt)
  }
}
