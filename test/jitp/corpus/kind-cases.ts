import { type Json, type JsonMembers, ref } from '../template-cases.ts'
import { bodyOf, type CorpusCase, declared, json, soundDocument } from './parts.ts'

const own = (...names: string[]): JsonMembers =>
  Object.fromEntries(names.map(name => [name, { Type: 'String' }]))
const joined: Json = { 'Fn::Join': ['', ['meter_', { Ref: 'SerialNumber' }]] }

/** Templates for fleet provisioning, for bulk registration and for single things. */
export const kindCases: readonly CorpusCase[] = [
  {
    name: 'fleet provisioning with a serial number that devices send',
    text: json(
      bodyOf({
        parameters: { ...own('SerialNumber'), ...declared('Id') },
        thing: { ThingName: joined, AttributePayload: { version: 'v1' } }
      })
    ),
    form: 'template',
    errors: ['fleet-template', 'function-not-for-jitp']
  },
  {
    name: 'fleet provisioning with an answer for the device',
    text: json(
      bodyOf({
        parameters: { ...own('DeviceLocation', 'MacAddress'), ...declared('Id') },
        thing: { ThingName: { Ref: 'MacAddress' }, AttributePayload: { place: { Ref: 'DeviceLocation' } } },
        policy: { PolicyDocument: soundDocument },
        more: {
          Mappings: { Places: { Linz: { Url: 'https://linz.example.com' } } },
          DeviceConfiguration: { Fallback: 'https://example.com' }
        }
      })
    ),
    form: 'template',
    errors: ['fleet-template'],
    warnings: ['policy-document-object']
  },
  {
    name: 'fleet provisioning by a trusted user, without a thing type',
    text: json(
      bodyOf({
        parameters: { ...own('ThingName'), ...declared('Id') },
        thing: { ThingName: { Ref: 'ThingName' } }
      })
    ),
    form: 'template',
    errors: ['fleet-template']
  },
  {
    name: 'bulk registration by CSR',
    text: json(
      bodyOf({
        parameters: {
          ...own('ThingName', 'SerialNumber', 'CSR'),
          Location: { Type: 'String', Default: 'Linz' }
        },
        thing: {
          ThingName: { Ref: 'ThingName' },
          AttributePayload: { serialNumber: { Ref: 'SerialNumber' }, place: { Ref: 'Location' } }
        },
        certificate: { CertificateSigningRequest: { Ref: 'CSR' }, Status: 'ACTIVE' }
      })
    ),
    form: 'template',
    errors: ['bulk-template']
  },
  {
    name: 'a single thing by PEM',
    text: json(
      bodyOf({
        parameters: own('Name', 'Certificate', 'CaCertificate'),
        thing: { ThingName: { Ref: 'Name' } },
        certificate: {
          CertificatePem: { Ref: 'Certificate' },
          CACertificatePem: { Ref: 'CaCertificate' },
          Status: 'ACTIVE'
        }
      })
    ),
    form: 'template',
    errors: ['bulk-template']
  },
  {
    name: 'a single thing by the id of its certificate',
    text: json(
      bodyOf({
        parameters: own('Name', 'CertId'),
        thing: { ThingName: { Ref: 'Name' } },
        certificate: { CertificateId: { Ref: 'CertId' }, Status: 'ACTIVE' }
      })
    ),
    form: 'template',
    errors: ['bulk-template']
  },
  {
    name: 'a parameter without its prefix, which is a slip',
    text: json(
      bodyOf({
        parameters: { ...own('CommonName'), ...declared('Id') },
        thing: { ThingName: { Ref: 'CommonName' } }
      })
    ),
    form: 'template',
    errors: ['parameter-unknown']
  },
  {
    name: 'a PEM beside parameters of the certificate',
    text: json(bodyOf({ certificate: { CertificatePem: ref('CommonName'), Status: 'ACTIVE' } })),
    form: 'template',
    errors: ['certificate-form-not-for-jitp']
  }
]
