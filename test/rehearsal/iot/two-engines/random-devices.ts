import { type CertificateWishes, makeCa, makeCertificate } from '../certificate-making.ts'
import { type Device, deviceOf } from './engines.ts'

const oids = {
  Country: '2.5.4.6',
  Organization: '2.5.4.10',
  OrganizationalUnit: '2.5.4.11',
  DistinguishedNameQualifier: '2.5.4.46',
  StateName: '2.5.4.8',
  SerialNumber: '2.5.4.5'
} as const
type Field = keyof typeof oids

/** What just-in-time provisioning takes from a certificate. */
export const parameters: readonly string[] = ['CommonName', 'Id', ...Object.keys(oids)]

const everyField: Readonly<Record<Field, string>> = {
  Country: 'DE',
  Organization: 'acme',
  OrganizationalUnit: 'pumps',
  DistinguishedNameQualifier: 'q-7',
  StateName: 'NRW',
  SerialNumber: '0042'
}

const usualNames = [
  'unit-1',
  'a',
  '0',
  'a-b-c',
  'a:b_c',
  '-',
  '--',
  'constructor',
  'unit-1:a',
  'x'.repeat(64)
]
/** With characters that AWS IoT takes in no name of a thing. */
const foreignNames = ['unit 1', 'm@il', 'a.b/c', 'Gerät', '$a', '${b}']
/** With each of those that RFC 4514 escapes. */
const escapedNames = ['a,b', 'a+b', 'a"b', 'a\\b', 'a<b', 'a>b', 'a;b', 'a=b', '#a', 'a#b', ' a', 'a ']

export interface Devices {
  readonly usual: readonly Device[]
  /** Odd characters, fields that are missing or there twice, odd serial numbers. */
  readonly odd: readonly Device[]
}

export async function makeDevices(): Promise<Devices> {
  const issuer = await makeCa()
  const make = (wishes: readonly CertificateWishes[]) =>
    Promise.all(wishes.map(async wish => deviceOf(await makeCertificate({ ...wish, issuer }))))
  const named = (name: string): CertificateWishes => ({
    commonNames: [name],
    attributes: attributesOf(everyField)
  })
  return {
    usual: await make([...usualNames.map(named), ...numbered([1], new Array<number>(20).fill(0x7f))]),
    odd: await make([
      ...[...foreignNames, ...escapedNames].map(named),
      ...escapedNames.map(name => ({
        commonNames: ['unit-2'],
        attributes: attributesOf({ ...everyField, Organization: name, OrganizationalUnit: name })
      })),
      ...Object.keys(oids).map(left => ({ commonNames: ['unit-3'], attributes: attributesWithout(left) })),
      { commonNames: [], attributes: attributesOf(everyField) },
      { commonNames: ['unit-4', 'unit-5'], attributes: attributesOf(everyField) },
      {
        commonNames: ['unit-6'],
        attributes: [...attributesOf(everyField), [oids.OrganizationalUnit, 'valves']]
      },
      ...numbered([0x80, 1], [0])
    ])
  }
}

function numbered(...serialNumbers: readonly (readonly number[])[]): CertificateWishes[] {
  return serialNumbers.map(octets => ({
    commonNames: ['unit-7'],
    attributes: attributesOf(everyField),
    serialNumber: Uint8Array.from(octets)
  }))
}

function attributesWithout(left: string): readonly (readonly [string, string])[] {
  return attributesOf(Object.fromEntries(Object.entries(everyField).filter(([field]) => field !== left)))
}

function attributesOf(fields: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(fields).map(([field, value]) => [oids[field as Field], value])
}
