import { quoted } from '../findings/finding.ts'
import { certificateIdParameter } from '../template/certificate-parameter.ts'
import type { CertificateResource } from '../template/template.ts'
import type { CheckContext } from './context.ts'
import { certificateOverrides, checkOverrideSettings } from './override-settings.ts'

const idReference = `{"Ref": "${certificateIdParameter}"}`
const principalTypes = ['EXCLUSIVE_THING', 'NON_EXCLUSIVE_THING']

/** Reports a certificate resource that would not activate the certificate which connected. */
export function checkCertificates(context: CheckContext): void {
  const { template, report } = context
  const [certificate, second] = template.certificates
  if (certificate === undefined && template.isComplete) {
    const message = 'The template has no certificate.'
    report.add(
      'certificate-missing',
      '/Resources',
      message,
      'a resource of type AWS::IoT::Certificate',
      'none'
    )
  }
  if (second !== undefined) {
    const message = `${quoted(second.logicalName)} is a second certificate.`
    report.addAtName(
      'certificate-repeated',
      second.pointer,
      message,
      'one certificate',
      String(template.certificates.length)
    )
  }
  for (const each of template.certificates) {
    checkIdentity(each, context)
    checkStatus(each, context)
    checkPrincipalType(each, context)
    checkOverrides(each, context)
  }
}

function checkIdentity(
  { certificateId, otherForms, pointer }: CertificateResource,
  { template, report }: CheckContext
): void {
  for (const form of otherForms) {
    const name = form.slice(form.lastIndexOf('/') + 1)
    report.addAtName(
      'certificate-form-not-for-jitp',
      form,
      `${name} has no place in just-in-time provisioning.`,
      idReference,
      name
    )
  }
  if (certificateId === undefined) {
    if (!template.isComplete || otherForms.length > 0) return
    report.add(
      'certificate-id-missing',
      `${pointer}/Properties`,
      'The certificate has no CertificateId.',
      idReference,
      'nothing'
    )
  } else if (certificateId.kind !== 'ref' || certificateId.name !== certificateIdParameter) {
    const found = certificateId.kind === 'literal' ? quoted(certificateId.value) : 'another value'
    const message = `CertificateId is not a reference to ${quoted(certificateIdParameter)}.`
    report.add('certificate-id-not-ref', certificateId.pointer, message, idReference, found)
  }
}

function checkStatus({ status, pointer }: CertificateResource, { template, report }: CheckContext): void {
  if (status === undefined) {
    if (!template.isComplete) return
    report.add(
      'certificate-status-missing',
      `${pointer}/Properties`,
      'The certificate has no Status.',
      'ACTIVE',
      'nothing'
    )
    return
  }
  const value = status.kind === 'literal' ? status.value : undefined
  const found = value === undefined ? 'a value made later' : quoted(value)
  const upper = value?.toUpperCase()
  if (upper === 'ACTIVE') {
    if (value === upper) return
    report.add('certificate-status-case', status.pointer, `The status is written ${found}.`, 'ACTIVE', found)
  } else if (upper === 'INACTIVE') {
    report.add(
      'certificate-not-active',
      status.pointer,
      'The certificate is not made active.',
      'ACTIVE',
      found
    )
  } else {
    report.add('certificate-status-unknown', status.pointer, `There is no status ${found}.`, 'ACTIVE', found)
  }
}

function checkPrincipalType(
  { thingPrincipalType: type }: CertificateResource,
  { report }: CheckContext
): void {
  if (type === undefined || (type.kind === 'literal' && principalTypes.includes(type.value))) return
  const found = type.kind === 'literal' ? quoted(type.value) : 'a value made later'
  report.add(
    'principal-type-unknown',
    type.pointer,
    `There is no principal type ${found}.`,
    principalTypes.join(', '),
    found
  )
}

function checkOverrides({ overrides }: CertificateResource, context: CheckContext): void {
  if (overrides === undefined) return
  checkOverrideSettings(overrides, certificateOverrides, context)
  const failing = overrides.find(({ key, value }) => key === 'Status' && value === 'FAIL')
  if (failing === undefined) return
  const message = 'FAIL on the status fails every provisioning.'
  context.report.add(
    'certificate-override-fails',
    failing.pointer,
    message,
    'REPLACE or DO_NOTHING',
    '`FAIL`'
  )
}
