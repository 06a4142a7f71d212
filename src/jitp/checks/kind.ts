import { quoted } from '../findings/finding.ts'
import { sentParametersOf } from '../template/kind.ts'
import type { CheckContext } from './context.ts'

/** More than anybody reads. */
const maximumListed = 12

/** Reports a template that is written for another way of provisioning, in one finding. */
export function checkKind({ template, kind, report }: CheckContext): void {
  if (kind === 'just-in-time') return
  const sent = sentParametersOf(template)
  const listed = sent.slice(0, maximumListed).map(quoted).join(', ')
  const names = sent.length > maximumListed ? `${listed} and more` : listed
  const place = { pointer: '/Parameters', expected: 'a template for just-in-time provisioning' }
  if (kind === 'fleet') {
    report.addAtName('fleet-template', {
      ...place,
      message: `This is a fleet-provisioning template: devices send ${names}, and a device that is provisioned just in time sends nothing but its certificate.`,
      found: 'a fleet-provisioning template'
    })
    return
  }
  report.addAtName('bulk-template', {
    ...place,
    message: `This is a template for bulk registration, or for registering single things: whoever calls start-thing-registration-task or register-thing gives ${names}. Just-in-time provisioning knows the certificate alone.`,
    found: 'a template for bulk or single-thing registration'
  })
}
