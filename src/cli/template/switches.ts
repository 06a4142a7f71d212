import type { TemplateSwitches } from '../../jitp/template/options.ts'
import { UsageError } from '../command.ts'

const text = { type: 'string' } as const

/** The flags of the switches for what AWS leaves open, by the names that a profile has for them. */
export const switchFlags = {
  'serial-number-source': text,
  functions: text,
  'defaults-fill-absent-fields': { type: 'boolean' },
  'subject-characters': text,
  'generated-policy-name': text,
  'undeclared-certificate-id': text
} as const

/** For usages. */
export const switchUsage = `Switches for what AWS leaves open (docs/jitp.md), each on the safe side unless set:
  --serial-number-source subject|certificate   what AWS::IoT::Certificate::SerialNumber stands for
  --functions accept                           Fn::*, Mappings and DeviceConfiguration
  --defaults-fill-absent-fields                a Default stands in for a field that the certificate lacks
  --subject-characters accept                  , + " \\ < > ; = # in subject fields that the template uses
  --generated-policy-name sha1-of-document     predict how AWS names a policy that is given by document
  --undeclared-certificate-id accept           AWS::IoT::Certificate::Id without a declaration
`

export type SwitchValues = {
  readonly [Flag in keyof typeof switchFlags]?: (typeof switchFlags)[Flag]['type'] extends 'boolean'
    ? boolean | undefined
    : string | undefined
}

/** @throws UsageError for a value that a switch does not have. */
export function readSwitches(values: SwitchValues): TemplateSwitches {
  const serialNumberSource = oneOf(values, 'serial-number-source', ['subject', 'certificate'])
  const functions = oneOf(values, 'functions', ['refuse', 'accept'])
  const subjectCharacters = oneOf(values, 'subject-characters', ['refuse', 'accept'])
  const generatedPolicyName = oneOf(values, 'generated-policy-name', ['unknown', 'sha1-of-document'])
  const undeclaredCertificateId = oneOf(values, 'undeclared-certificate-id', ['refuse', 'accept'])
  return {
    ...(serialNumberSource !== undefined && { serialNumberSource }),
    ...(functions !== undefined && { functions }),
    ...(values['defaults-fill-absent-fields'] === true && { defaultsFillAbsentFields: true }),
    ...(subjectCharacters !== undefined && { subjectCharacters }),
    ...(generatedPolicyName !== undefined && { generatedPolicyName }),
    ...(undeclaredCertificateId !== undefined && { undeclaredCertificateId })
  }
}

function oneOf<Value extends string>(
  values: SwitchValues,
  flag: keyof SwitchValues,
  known: readonly Value[]
): Value | undefined {
  const given = values[flag]
  if (given === undefined) return undefined
  const value = known.find(each => each === given)
  if (value !== undefined) return value
  throw new UsageError(`--${flag} is ${known.join(' or ')}`)
}
