import type { SubjectField } from '../../pki/name/subject-field.ts'

const prefix = 'AWS::IoT::Certificate::'

export const certificateIdParameter = `${prefix}Id`
export const serialNumberParameter = `${prefix}SerialNumber`

/** The subject fields that just-in-time provisioning reads, by parameter name. */
const fieldOfParameter: ReadonlyMap<string, SubjectField> = new Map(
  (
    [
      'Country',
      'Organization',
      'OrganizationalUnit',
      'DistinguishedNameQualifier',
      'StateName',
      'CommonName',
      'SerialNumber'
    ] as const
  ).map(field => [prefix + field, field])
)

/** All that a template may declare. */
export const certificateParameters: readonly string[] = [...fieldOfParameter.keys(), certificateIdParameter]

/** The subject field behind a parameter; undefined for Id and for names that AWS does not fill. */
export function subjectFieldOf(parameter: string): SubjectField | undefined {
  return fieldOfParameter.get(parameter)
}

/** Fields that are alike on many devices by their nature. */
export function isSharedField(field: SubjectField): boolean {
  return (
    field === 'Country' || field === 'Organization' || field === 'OrganizationalUnit' || field === 'StateName'
  )
}

/** The parameter that a misspelt name probably means. */
export function nearestParameter(name: string): string | undefined {
  const wanted = wordOf(name)
  if (wanted.length < 2) return undefined
  return certificateParameters.find(parameter => {
    const word = wordOf(parameter)
    return (
      word === wanted ||
      aliases[wanted] === word ||
      (wanted.length > 4 && (word.startsWith(wanted) || wanted.startsWith(word)))
    )
  })
}

const aliases: Readonly<Record<string, string>> = {
  cn: 'commonname',
  ou: 'organizationalunit',
  organizationunit: 'organizationalunit',
  c: 'country',
  state: 'statename',
  st: 'statename',
  dnqualifier: 'distinguishednamequalifier',
  certificateid: 'id'
}

function wordOf(parameter: string): string {
  return parameter.slice(parameter.lastIndexOf(':') + 1).toLowerCase()
}
