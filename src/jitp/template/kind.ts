import { certificateIdParameter, nearestParameter, serialNumberParameter } from './certificate-parameter.ts'
import { parametersOf } from './expression.ts'
import { expressionsOf } from './expressions-of-template.ts'
import type { ProvisioningTemplate } from './template.ts'

/** Which of AWS's ways of provisioning a template is written for. */
export type TemplateKind = 'just-in-time' | 'fleet' | 'bulk'

/**
 * Templates of all ways look alike; what they take from elsewhere tells them apart. Fleet provisioning works on the
 * certificate that was made for the device, with parameters that the device sends; bulk registration and the registration
 * of single things get a CSR or a certificate from who calls.
 */
export function kindOf(template: ProvisioningTemplate): TemplateKind {
  const [certificate] = template.certificates
  const sent = certificate === undefined ? [] : sentParametersOf(template)
  if (certificate === undefined || sent.length === 0) return 'just-in-time'
  const id = certificate.certificateId
  if (certificate.otherForms.length > 0 || (id?.kind === 'ref' && sent.includes(id.name))) return 'bulk'
  return id?.kind === 'ref' && id.name === certificateIdParameter ? 'fleet' : 'just-in-time'
}

/** Whether AWS fills it from something other than the certificate. */
export function isOwnParameter(name: string): boolean {
  return !name.startsWith('AWS::')
}

/**
 * The parameters that have a value only if somebody sends one, without the slips: a value of the template's own that was
 * made a parameter with a default, and the name of a subject field without its prefix, save for SerialNumber, which
 * devices do send.
 */
export function sentParametersOf(template: ProvisioningTemplate): readonly string[] {
  const { parameters, deviceConfiguration } = template
  const declared = [...parameters.values()].flatMap(({ name, defaultValue }) =>
    defaultValue === undefined ? [name] : []
  )
  // With an answer for the device, what it does not declare was forgotten.
  const used = deviceConfiguration ? expressionsOf(template).flatMap(part => parametersOf(part)) : []
  const names = new Set([...declared, ...used.filter(name => !parameters.has(name))])
  return [...names].filter(name => isOwnParameter(name) && !isSlip(name))
}

function isSlip(name: string): boolean {
  const near = nearestParameter(name)
  return near !== undefined && near !== serialNumberParameter && near !== certificateIdParameter
}
