import { subjectValues } from '../provisioning/certificate-parameters.ts'
import type { ThingRecord } from '../records.ts'
import type { ReadCertificate } from '../registry/certificates/certificate-reading.ts'

/** Attribute of the subject (X.520) → the last part of the policy variable. */
const subjectVariables: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CommonName',
  '2.5.4.4': 'Surname',
  '2.5.4.5': 'SerialNumber',
  '2.5.4.6': 'Country',
  '2.5.4.8': 'State',
  '2.5.4.10': 'Organization',
  '2.5.4.11': 'OrganizationalUnit',
  '2.5.4.12': 'Title',
  '2.5.4.42': 'GivenName',
  '2.5.4.46': 'DistinguishedNameQualifier'
}

const maximumValueLength = 1024
const valuesPerAttribute = 5
/** A value with one of these is not put in the place of a certificate variable. */
const unsafeCharacter = /[*$+?#]/

/**
 * The policy variables of one connection. The thing of a connection is the one that is attached to the certificate
 * and has the client id for its name, or the only one where it is attached exclusively.
 */
export function connectionVariables(
  clientId: string,
  certificate: ReadCertificate,
  thing: ThingRecord | undefined
): ReadonlyMap<string, string> {
  const variables = new Map([
    ['iot:ClientId', clientId],
    ['iot:Connection.Thing.IsAttached', String(thing !== undefined)],
    ...certificateVariables(certificate)
  ])
  if (thing === undefined) return variables
  variables.set('iot:Connection.Thing.ThingName', thing.thingName)
  if (thing.thingTypeName !== null) variables.set('iot:Connection.Thing.ThingTypeName', thing.thingTypeName)
  for (const [name, value] of Object.entries(thing.attributes))
    variables.set(`iot:Connection.Thing.Attributes[${name}]`, value)
  return variables
}

function certificateVariables({ x509, parsed }: ReadCertificate): [string, string][] {
  const variables: [string, string][] = [
    ['iot:Certificate.SerialNumber', BigInt(`0x${x509.serialNumber}`).toString()]
  ]
  const subject = subjectValues(parsed)
  for (const [attribute, suffix] of Object.entries(subjectVariables))
    for (const [index, value] of (subject.get(attribute) ?? []).slice(0, valuesPerAttribute).entries())
      if (value.length <= maximumValueLength && !unsafeCharacter.test(value))
        variables.push([`iot:Certificate.Subject.${suffix}${index === 0 ? '' : `.${index}`}`, value])
  return variables
}

/** The thing of a connection among those that are attached to its certificate. */
export function thingOfConnection(
  clientId: string,
  certificateArn: string,
  things: readonly ThingRecord[]
): ThingRecord | undefined {
  const isExclusive = ({ principals }: ThingRecord) =>
    principals.some(
      ({ principal, thingPrincipalType }) =>
        principal === certificateArn && thingPrincipalType === 'EXCLUSIVE_THING'
    )
  return things.find(isExclusive) ?? things.find(({ thingName }) => thingName === clientId)
}
