import type { RegistrationReport, RegistrationView } from '../../../aws/registrations/view.ts'
import type { AwsRegistrationAnswer, AwsRegistrationSummaryAnswer } from './schemas.ts'

export function viewRegistration(view: RegistrationView): AwsRegistrationSummaryAnswer {
  const { id, authority, region, version, desired, state, caCertificateId, changedBy } = view
  const { accountAlias, profileVersion, awsAccountId, registeredTopic, observed, lastError, checkedAt } = view
  const { provisioning, ...asked } = desired
  return {
    id,
    authority,
    region,
    ...(accountAlias !== undefined && { accountAlias }),
    version,
    desired: {
      ...asked,
      ...(provisioning !== null && { profile: provisioning.profile, roleArn: provisioning.roleArn }),
      ...(provisioning?.templateName != null && { templateName: provisioning.templateName }),
      ...(provisioning?.adopt === true && { adopt: true })
    },
    state,
    ...(profileVersion !== undefined && { profileVersion }),
    ...(awsAccountId !== undefined && { awsAccountId }),
    caCertificateId,
    arns: [...view.arns],
    ...(registeredTopic !== undefined && { registeredTopic }),
    ...(observed !== undefined && { observed: { ...observed } }),
    drift: view.drift.map(each => ({ ...each })),
    ...(lastError !== undefined && { lastError: { ...lastError } }),
    ...(checkedAt !== undefined && { checkedAt: checkedAt.toISOString() }),
    createdAt: view.createdAt.toISOString(),
    changedAt: view.changedAt.toISOString(),
    changedBy
  }
}

export function viewRegistrationReport(report: RegistrationReport): AwsRegistrationAnswer {
  return {
    ...viewRegistration(report),
    steps: report.steps.map(({ version, createdAt, step, outcome, detail }) => ({
      version,
      time: createdAt.toISOString(),
      step,
      outcome,
      detail
    }))
  }
}
