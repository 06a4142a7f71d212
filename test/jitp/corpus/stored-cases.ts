import { body, bodyOf, type CorpusCase, json, roleArn } from './parts.ts'

const described = {
  templateArn: 'arn:aws:iot:eu-west-1:444455556666:provisioningtemplate/meters',
  templateName: 'meters',
  description: '',
  creationDate: '2031-02-03T04:05:06.789000+00:00',
  lastModifiedDate: '2031-02-03T04:05:06.789000+00:00',
  defaultVersionId: 3,
  templateBody: body,
  enabled: true,
  provisioningRoleArn: roleArn,
  type: 'JITP'
}
const version = { versionId: 2, creationDate: '2031-02-03', templateBody: body, isDefaultVersion: false }

/** What the AWS CLI and SDKs print, and the calls that they take. */
export const storedCases: readonly CorpusCase[] = [
  { name: 'describe-provisioning-template', text: json(described), form: 'registration-config' },
  { name: 'describe-provisioning-template-version', text: json(version), form: 'registration-config' },
  {
    name: 'describe-provisioning-template --output yaml',
    text: Object.entries(described)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
      .join('\n'),
    form: 'registration-config'
  },
  {
    name: 'describe-provisioning-template of a fleet',
    text: json({ ...described, type: 'FLEET_PROVISIONING' }),
    form: 'registration-config',
    errors: ['stored-for-fleet']
  },
  {
    name: 'describe-provisioning-template of one that is not enabled',
    text: json({ ...described, enabled: false }),
    form: 'registration-config',
    warnings: ['stored-template-disabled']
  },
  {
    name: 'the same, as PowerShell and .NET print it',
    text: json({
      TemplateName: 'meters',
      TemplateBody: body,
      ProvisioningRoleArn: roleArn,
      Type: 'JITP',
      Enabled: true
    }),
    form: 'registration-config'
  },
  {
    name: 'a registration config in the casing of SDKs',
    text: json({ TemplateBody: body, RoleArn: roleArn }),
    form: 'registration-config'
  },
  {
    name: 'a registration config in the casing of Python',
    text: json({ template_body: body, role_arn: roleArn }),
    form: 'registration-config'
  },
  {
    name: 'a registration config in two casings',
    text: json({ templateBody: body, RoleArn: roleArn }),
    form: 'registration-config',
    errors: ['registration-config-member-unknown'],
    warnings: ['role-arn-missing']
  },
  {
    name: 'the input of register-ca-certificate',
    text: json({
      caCertificate: 'x',
      setAsActive: true,
      registrationConfig: { templateBody: body, roleArn }
    }),
    form: 'registration-config'
  },
  {
    name: 'describe-ca-certificate',
    text: json({
      certificateDescription: { status: 'ACTIVE' },
      registrationConfig: { templateBody: body, roleArn }
    }),
    form: 'registration-config'
  },
  {
    name: 'describe-ca-certificate with a template by name',
    text: json({
      certificateDescription: { status: 'ACTIVE' },
      registrationConfig: { templateName: 'meters' }
    }),
    form: 'template',
    errors: ['template-named-only']
  },
  {
    name: 'a registration config that holds an object',
    text: json({ templateBody: bodyOf(), roleArn }),
    form: 'registration-config',
    errors: ['escaped-too-seldom']
  },
  {
    name: 'a registration config with YAML for a body',
    text: json({ templateBody: 'Parameters: {}\nResources: {}\n', roleArn }),
    form: 'registration-config',
    errors: ['body-is-yaml', 'certificate-missing'],
    warnings: ['thing-missing', 'policy-missing']
  }
]
