import { IotRefusal } from '../../iot-refusal.ts'
import type { DeviceCertificateRecord } from '../../records.ts'
import type { Call, Operation } from '../operation.ts'
import { pageByTime } from '../page.ts'
import { describeCertificateOf, pemMaximum, summarize } from './certificate-description.ts'

export const certificateOperations = {
  RegisterCertificate: {
    route: 'POST /certificate/register',
    run({ registry, query, body }) {
      const record = registry.registerCertificate({
        certificatePem: body.text('certificatePem', pemMaximum),
        caCertificatePem: body.optionalText('caCertificatePem', pemMaximum) ?? null,
        status: parseStatus(body) ?? (query.flag('setAsActive') ? 'ACTIVE' : 'INACTIVE')
      })
      return identify(registry, record)
    }
  },
  RegisterCertificateWithoutCA: {
    route: 'POST /certificate/register-no-ca',
    run({ registry, body }) {
      const certificatePem = body.text('certificatePem', pemMaximum)
      const status = parseStatus(body) ?? 'INACTIVE'
      return identify(registry, registry.registerCertificateWithoutCa({ certificatePem, status }))
    }
  },
  CreateKeysAndCertificate: {
    route: 'POST /keys-and-certificate',
    run({ registry, query }) {
      const status = query.flag('setAsActive') ? 'ACTIVE' : 'INACTIVE'
      const { record, certificatePem, keyPair } = registry.createKeysAndCertificate(status)
      return { ...identify(registry, record), certificatePem, keyPair }
    }
  },
  DescribeCertificate: {
    route: 'GET /certificates/{certificateId}',
    run({ registry, path }) {
      const record = registry.describeCertificate(path.text('certificateId'))
      return {
        certificateDescription: {
          ...describeCertificateOf(record),
          certificateArn: registry.certificateArn(record.certificateId),
          caCertificateId: record.caCertificateId ?? undefined,
          ownedBy: registry.accountId
        }
      }
    }
  },
  UpdateCertificate: {
    route: 'PUT /certificates/{certificateId}',
    run({ registry, path, query }) {
      const status = query.optionalChoice('newStatus', ['ACTIVE', 'INACTIVE', 'REVOKED'])
      // AWS alone sets PENDING_ACTIVATION and PENDING_TRANSFER.
      if (status === undefined) throw new IotRefusal('InvalidRequestException', 'newStatus must not be null.')
      registry.setCertificateStatus(path.text('certificateId'), status)
      return {}
    }
  },
  TransferCertificate: {
    route: 'PATCH /transfer-certificate/{certificateId}',
    run({ registry, path, query }) {
      const target = query.text('targetAwsAccount')
      if (!/^[0-9]{12}$/.test(target))
        throw new IotRefusal('InvalidRequestException', 'targetAwsAccount must be an account id.')
      const { certificateId } = registry.transferCertificate(path.text('certificateId'))
      return { transferredCertificateArn: registry.certificateArn(certificateId) }
    }
  },
  CancelCertificateTransfer: {
    route: 'PATCH /cancel-certificate-transfer/{certificateId}',
    run({ registry, path }) {
      registry.cancelCertificateTransfer(path.text('certificateId'))
      return {}
    }
  },
  DeleteCertificate: {
    route: 'DELETE /certificates/{certificateId}',
    run({ registry, path, query }) {
      registry.deleteCertificate(path.text('certificateId'), query.flag('forceDelete'))
      return {}
    }
  },
  ListCertificates: {
    route: 'GET /certificates',
    run({ registry, query }) {
      const records = registry.listCertificates()
      const { items, next } = pageByTime(query, records, ({ certificateId }) => certificateId)
      return { certificates: items.map(record => summarize(registry, record)), nextMarker: next }
    }
  }
} satisfies Readonly<Record<string, Operation>>

function parseStatus(body: Call['body']) {
  return body.optionalChoice('status', ['ACTIVE', 'INACTIVE', 'REVOKED'])
}

function identify({ certificateArn }: Call['registry'], { certificateId }: DeviceCertificateRecord): object {
  return { certificateArn: certificateArn(certificateId), certificateId }
}
