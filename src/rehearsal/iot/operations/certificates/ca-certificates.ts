import { IotRefusal } from '../../iot-refusal.ts'
import type { CaCertificateRecord } from '../../records.ts'
import { type Call, epochSeconds, type Operation } from '../operation.ts'
import { pageByTime } from '../page.ts'
import { describeCertificateOf, pemMaximum, summarize } from './certificate-description.ts'
import { parseRegistrationConfig } from './registration-config.ts'

export const caCertificateOperations = {
  GetRegistrationCode: {
    route: 'GET /registrationcode',
    run: ({ registry }) => ({ registrationCode: registry.getRegistrationCode() })
  },
  DeleteRegistrationCode: {
    route: 'DELETE /registrationcode',
    run({ registry }) {
      registry.deleteRegistrationCode()
      return {}
    }
  },
  RegisterCACertificate: { route: 'POST /cacertificate', run: registerCaCertificate },
  DescribeCACertificate: {
    route: 'GET /cacertificate/{certificateId}',
    run({ registry, path }) {
      const record = registry.describeCaCertificate(path.text('certificateId'))
      return {
        certificateDescription: {
          ...describeCertificateOf(record),
          certificateArn: registry.caCertificateArn(record.certificateId),
          ownedBy: registry.accountId,
          autoRegistrationStatus: record.autoRegistrationStatus
        },
        registrationConfig: record.registrationConfig ?? undefined
      }
    }
  },
  UpdateCACertificate: { route: 'PUT /cacertificate/{certificateId}', run: updateCaCertificate },
  DeleteCACertificate: {
    route: 'DELETE /cacertificate/{certificateId}',
    run({ registry, path }) {
      registry.deleteCaCertificate(path.text('certificateId'))
      return {}
    }
  },
  ListCACertificates: { route: 'GET /cacertificates', run: listCaCertificates },
  ListCertificatesByCA: {
    route: 'GET /certificates-by-ca/{caCertificateId}',
    run({ registry, path, query }) {
      const records = registry.listCertificatesByCa(path.text('caCertificateId'))
      const { items, next } = pageByTime(query, records, ({ certificateId }) => certificateId)
      return { certificates: items.map(record => summarize(registry, record)), nextMarker: next }
    }
  }
} satisfies Readonly<Record<string, Operation>>

function registerCaCertificate({ registry, query, body }: Call): object {
  const record = registry.registerCaCertificate({
    caCertificatePem: body.text('caCertificate', pemMaximum),
    verificationCertificatePem: body.optionalText('verificationCertificate', pemMaximum) ?? null,
    certificateMode: body.optionalChoice('certificateMode', ['DEFAULT', 'SNI_ONLY']) ?? 'DEFAULT',
    setAsActive: query.flag('setAsActive'),
    allowAutoRegistration: query.flag('allowAutoRegistration'),
    registrationConfig: parseRegistrationConfig(body) ?? null
  })
  const { certificateId } = record
  return { certificateArn: registry.caCertificateArn(certificateId), certificateId }
}

function updateCaCertificate({ registry, path, query, body }: Call): object {
  const registrationConfig = parseRegistrationConfig(body)
  const isRemoval = body.flag('removeAutoRegistration')
  if (isRemoval && registrationConfig !== undefined)
    throw new IotRefusal('InvalidRequestException', 'registrationConfig is either given or removed.')
  registry.updateCaCertificate(path.text('certificateId'), {
    status: query.optionalChoice('newStatus', ['ACTIVE', 'INACTIVE']),
    autoRegistrationStatus: query.optionalChoice('newAutoRegistrationStatus', ['ENABLE', 'DISABLE']),
    registrationConfig: isRemoval ? null : registrationConfig
  })
  return {}
}

function listCaCertificates({ registry, query }: Call): object {
  const templateName = query.optionalText('templateName')
  const records = registry
    .listCaCertificates()
    .filter(record => templateName === undefined || templateNameOf(record) === templateName)
  const { items, next } = pageByTime(query, records, ({ certificateId }) => certificateId)
  const certificates = items.map(({ certificateId, status, createdAt }) => ({
    certificateArn: registry.caCertificateArn(certificateId),
    certificateId,
    status,
    creationDate: epochSeconds(createdAt)
  }))
  return { certificates, nextMarker: next }
}

function templateNameOf({ registrationConfig }: CaCertificateRecord): string | undefined {
  return registrationConfig !== null && 'templateName' in registrationConfig
    ? registrationConfig.templateName
    : undefined
}
