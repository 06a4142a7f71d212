/** Of a key that nobody has kept: who tries it out gets a certificate that is of no use. */
const csr = [
  '-----BEGIN CERTIFICATE REQUEST-----',
  'MIHfMIGHAgEAMCUxCzAJBgNVBAYTAkRFMRYwFAYDVQQDDA1zZW5zb3ItMDAwNDUx',
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEhVtPtcx0JrczBXOvA2uoaKrAGe6',
  'hoKsSrLaZM6mAacJm8i3kgWuI5EN7pmW8TuQZ57UxIq/n4j/YN6n93iOLaAAMAoG',
  'CCqGSM49BAMCA0cAMEQCIE+wAAboTJHqv3GC63a3cxGWdUlnPGgHbQPHdL3iAJNs',
  'AiAaJflAkjZ6srkXb50VQLuyzDwQR2hwHmv3juEmc6J+ZQ==',
  '-----END CERTIFICATE REQUEST-----',
  ''
].join('\n')

/** One invented device, so that all examples of the API description tell the same story. */
export const example = {
  lotId: 'lot-2026-48',
  issuanceId: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11',
  tokenId: '019ab1ec-52c4-7d0a-8f36-3a2b5d1c9e70',
  profileId: '019ab1ec-5310-7e25-a1d4-6c0f4e7b8a92',
  requestId: 'station-7-000451',
  csr,
  certificate: '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n',
  chain:
    '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n',
  serialNumber: '5f3a9c0e41b7d28866c1e0f94a7b3d12',
  certificateId: '9f2c1e4b7a6d5038c1f0e9d8b7a695847362514f3e2d1c0b9a8f7e6d5c4b3a29',
  subject: { Country: 'DE', CommonName: 'sensor-000451' },
  thing: {
    thingName: 'sensor-000451',
    attributes: { line: 'A7' },
    thingTypeName: null,
    thingGroups: [],
    billingGroup: null
  },
  template: {
    Parameters: {
      'AWS::IoT::Certificate::CommonName': { Type: 'String' },
      'AWS::IoT::Certificate::Id': { Type: 'String' }
    },
    Resources: {
      thing: {
        Type: 'AWS::IoT::Thing',
        Properties: { ThingName: { Ref: 'AWS::IoT::Certificate::CommonName' } },
        OverrideSettings: {
          AttributePayload: 'MERGE',
          ThingTypeName: 'DO_NOTHING',
          ThingGroups: 'DO_NOTHING'
        }
      },
      certificate: {
        Type: 'AWS::IoT::Certificate',
        Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' },
        OverrideSettings: { Status: 'REPLACE' }
      },
      policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'acme-sensor' } }
    }
  },
  metadata: { fixture: 'F-12', firmware: '1.4.2' }
} as const
