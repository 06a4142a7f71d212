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
    report.add('certificate-missing', {
      pointer: '/Resources',
      message,
      expected: 'a resource of type AWS::IoT::Certificate',
      found: 'none'
    })
  }
  if (second !== undefined) {
    const message = `${quoted(second.logicalName)} is a second certificate.`
    report.addAtName('certificate-repeated', {
      pointer: second.pointer,
      message,
      expected: 'one certificate',
      found: String(template.certificates.length)
    })
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
  { template, kind, report }: CheckContext
): void {
  // The finding on the template says it of all parts.
  if (kind === 'bulk') return
  for (const form of otherForms) {
    const name = form.slice(form.lastIndexOf('/') + 1)
    report.addAtName('certificate-form-not-for-jitp', {
      pointer: form,
      message: `${name} has no place in just-in-time provisioning.`,
      expected: idReference,
      found: name
    })
  }
  if (certificateId === undefined) {
    if (!template.isComplete || otherForms.length > 0) return
    report.add('certificate-id-missing', {
      pointer: `${pointer}/Properties`,
      message: 'The certificate has no CertificateId.',
      expected: idReference,
      found: 'nothing'
    })
  } else if (certificateId.kind !== 'ref' || certificateId.name !== certificateIdParameter) {
    const found = certificateId.kind === 'literal' ? quoted(certificateId.value) : 'another value'
    const message = `CertificateId is not a reference to ${quoted(certificateIdParameter)}.`
    report.add('certificate-id-not-ref', {
      pointer: certificateId.pointer,
      message,
      expected: idReference,
      found
    })
  }
}

function checkStatus({ status, pointer }: CertificateResource, { template, report }: CheckContext): void {
  if (status === undefined) {
    if (!template.isComplete) return
    report.add('certificate-status-missing', {
      pointer: `${pointer}/Properties`,
      message: 'The certificate has no Status.',
      expected: 'ACTIVE',
      found: 'nothing'
    })
    return
  }
  const value = status.kind === 'literal' ? status.value : undefined
  const found = value === undefined ? 'a value made later' : quoted(value)
  const upper = value?.toUpperCase()
  if (upper === 'ACTIVE') {
    if (value === upper) return
    report.add('certificate-status-case', {
      pointer: status.pointer,
      message: `The status is written ${found}.`,
      expected: 'ACTIVE',
      found
    })
  } else if (upper === 'INACTIVE') {
    report.add('certificate-not-active', {
      pointer: status.pointer,
      message: 'The certificate is not made active.',
      expected: 'ACTIVE',
      found
    })
  } else {
    report.add('certificate-status-unknown', {
      pointer: status.pointer,
      message: `There is no status ${found}.`,
      expected: 'ACTIVE',
      found
    })
  }
}

function checkPrincipalType(
  { thingPrincipalType: type }: CertificateResource,
  { report }: CheckContext
): void {
  if (type === undefined || (type.kind === 'literal' && principalTypes.includes(type.value))) return
  const found = type.kind === 'literal' ? quoted(type.value) : 'a value made later'
  report.add('principal-type-unknown', {
    pointer: type.pointer,
    message: `There is no principal type ${found}.`,
    expected: principalTypes.join(', '),
    found
  })
}

function checkOverrides({ overrides }: CertificateResource, context: CheckContext): void {
  if (overrides === undefined) return
  checkOverrideSettings(overrides, certificateOverrides, context)
  const failing = overrides.find(({ key, value }) => key === 'Status' && value === 'FAIL')
  if (failing === undefined) return
  const message = 'FAIL on the status fails every provisioning.'
  context.report.add('certificate-override-fails', {
    pointer: failing.pointer,
    message,
    expected: 'REPLACE or DO_NOTHING',
    found: '`FAIL`'
  })
}
