const subjectAttributes =
  `DistinguishedNameQualifier Country Organization OrganizationalUnit State CommonName SerialNumber
  Title Surname GivenName Initials Pseudonym GenerationQualifier`.split(/\s+/)
const alternativeNames = 'RFC822Name DNSName DirectoryName UniformResourceIdentifier IPAddress'.split(' ')

const connectionVariables = [
  'iot:ClientId',
  'iot:DomainName',
  'iot:CertificateId',
  'aws:SourceIp',
  'aws:SourceVpc',
  'aws:SourceVpce',
  'aws:VpcSourceIp'
]
const certificateVariables = [
  ...['Issuer', 'Subject'].flatMap(name => [
    ...subjectAttributes.map(attribute => `iot:Certificate.${name}.${attribute}`),
    ...alternativeNames.map(kind => `iot:Certificate.${name}.AlternativeName.${kind}`)
  ]),
  'iot:Certificate.SerialNumber',
  'iot:Certificate.AvailableKeys'
]
const thingPrefix = 'iot:connection.thing.'
const thingVariables = ['ThingName', 'ThingTypeName', 'IsAttached'].map(
  name => `iot:Connection.Thing.${name}`
)
const attributePrefix = `${thingPrefix}attributes[`

/** Keys that stand in conditions alone: they are lists, or of one action. */
const conditionOnlyKeys = ['iot:ConnectAttributes', 'iot:LastWillTopic', 'iot:JobId', 'iot:Topic']

/**
 * The variables that AWS IoT fills for a device that connects with a certificate. AWS IoT Core Developer Guide, "Basic
 * AWS IoT Core policy variables", "Thing policy variables", "X.509 certificate AWS IoT Core policy variables",
 * "Certificate policy examples" (iot:CertificateId) and "Using AWS IoT Core with interface VPC endpoints", as of
 * November 2026.
 */
export const policyVariables: readonly string[] = [
  ...connectionVariables,
  ...thingVariables,
  'iot:Connection.Thing.Attributes[name]',
  ...certificateVariables
]

/** The keys of conditions: the variables, and those of "Connect policy examples". */
export const conditionKeys: readonly string[] = [...policyVariables, ...conditionOnlyKeys]

const variableNames: ReadonlySet<string> = new Set(policyVariables.map(name => name.toLowerCase()))
const keyNames: ReadonlySet<string> = new Set(conditionKeys.map(name => name.toLowerCase()))
const certificateNames: ReadonlySet<string> = new Set(certificateVariables.map(name => name.toLowerCase()))

/** Whether `${name}` has a value for a device with a certificate. Names are compared without regard to case. */
export function isPolicyVariable(name: string): boolean {
  return isNamed(name, variableNames)
}

export function isConditionKey(name: string): boolean {
  return isNamed(name, keyNames)
}

function isNamed(name: string, names: ReadonlySet<string>): boolean {
  const lower = name.toLowerCase()
  if (names.has(lower)) return true
  if (lower.startsWith(attributePrefix))
    return lower.endsWith(']') && lower.length > attributePrefix.length + 1
  // One of several values of an attribute, by its index from 0, or all of them.
  const indexed = /^(.{1,80})\.(?:[0-4]|list)$/.exec(lower)?.[1]
  return indexed !== undefined && certificateNames.has(indexed)
}

/** Whether the variable is of the thing that the connection belongs to. */
export function isThingVariable(name: string): boolean {
  return name.toLowerCase().startsWith(thingPrefix)
}
