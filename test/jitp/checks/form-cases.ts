import type { TemplateOptions } from '../../../src/jitp/template/options.ts'
import { type Json, type JsonMembers, ref, templateOf } from '../template-cases.ts'
import type { CheckCase } from './check-cases.ts'

const text = JSON.stringify(templateOf())
const role = 'arn:aws:iam::210987654321:role/line-provisioning'
const thing = '/Resources/thing/Properties'
const certificate = '/Resources/certificate/Properties'
const own = (...names: string[]): JsonMembers =>
  Object.fromEntries(names.map(name => [name, { Type: 'String' }]))
const id = { [ref('Id').Ref as string]: { Type: 'String' } }

const stackOf = (properties: JsonMembers, resources: JsonMembers = {}): string =>
  JSON.stringify({
    Resources: {
      Pumps: {
        Type: 'AWS::IoT::ProvisioningTemplate',
        Properties: { TemplateType: 'JITP', ProvisioningRoleArn: role, TemplateBody: text, ...properties }
      },
      ...resources
    }
  })
const pumps = '/Resources/Pumps/Properties'
const stateOf = (values: JsonMembers): string =>
  JSON.stringify({
    format_version: '1.0',
    values: {
      root_module: {
        resources: [
          {
            address: 'aws_iot_provisioning_template.pumps',
            type: 'aws_iot_provisioning_template',
            values: { type: 'JITP', provisioning_role_arn: role, template_body: text, ...values }
          }
        ]
      }
    }
  })
const state = '/values/root_module/resources/0/values'

/** What hands a template over. */
export const formCases: readonly CheckCase[] = [
  { flaw: 'a stack of CloudFormation', template: stackOf({}), findings: [`template-unpacked ${pumps}`] },
  {
    flaw: 'a stack with a type that is left to AWS',
    template: stackOf({ TemplateType: 'FLEET_PROVISIONING' }),
    findings: [`template-unpacked ${pumps}`, `stored-for-fleet ${pumps}`]
  },
  {
    flaw: 'a hook',
    template: stackOf({ PreProvisioningHook: { TargetArn: 'x' } }),
    findings: [`template-unpacked ${pumps}`, `stored-for-fleet ${pumps}/PreProvisioningHook`]
  },
  {
    flaw: 'a template that is not enabled',
    template: stackOf({ Enabled: false }),
    findings: [`template-unpacked ${pumps}`, `stored-template-disabled ${pumps}/Enabled`]
  },
  {
    flaw: 'a body that CloudFormation is still to fill in',
    template: stackOf({ TemplateBody: { 'Fn::Sub': text.replace('MERGE', '${Mode}') } }),
    findings: [`template-unpacked ${pumps}`, `value-not-filled-in ${pumps}/TemplateBody/Fn::Sub`]
  },
  {
    flaw: 'two templates in a stack',
    template: stackOf(
      {},
      {
        Valves: {
          Type: 'AWS::IoT::ProvisioningTemplate',
          Properties: { TemplateType: 'JITP', TemplateBody: text }
        }
      }
    ),
    findings: ['templates-several ']
  },
  {
    flaw: 'a stack without a template',
    template: JSON.stringify({ Resources: { Table: { Type: 'AWS::DynamoDB::Table' } } }),
    findings: ['template-not-found ']
  },
  { flaw: 'a state of Terraform', template: stateOf({}), findings: [`template-unpacked ${state}`] },
  {
    flaw: 'a body that is known after apply',
    template: stateOf({ template_body: null }),
    findings: [`template-unpacked ${state}`, `value-not-filled-in ${state}/template_body`]
  },
  {
    flaw: 'Terraform itself',
    template: 'resource "aws_iot_provisioning_template" "t" {\n  name = "t"\n}\n',
    findings: ['terraform-source ']
  },
  { flaw: 'HTML', template: '<!DOCTYPE html>\n<html></html>', findings: ['text-of-another-kind '] },
  { flaw: 'YAML with a tab', template: 'Parameters:\n\tA: b\n', findings: ['yaml-syntax '] },
  {
    flaw: 'a name twice in YAML',
    template: 'Resources: {}\nResources: {}\n',
    findings: [
      'template-is-yaml ',
      'json-duplicate-name /Resources',
      'thing-missing /Resources',
      'certificate-missing /Resources',
      'policy-missing /Resources'
    ]
  },
  {
    flaw: 'a body in YAML',
    template: JSON.stringify({ templateBody: 'Resources: {}\nParameters: {}\n', roleArn: role }),
    findings: [
      'body-is-yaml ',
      'thing-missing /Resources',
      'certificate-missing /Resources',
      'policy-missing /Resources'
    ]
  }
]

/** Templates for other ways of provisioning, and what is undecided. */
export const kindCases: readonly CheckCase[] = [
  {
    flaw: 'parameters that devices send',
    template: templateOf({
      template: { Parameters: { ...own('SerialNumber', 'Site'), ...id } },
      thing: { ThingName: { Ref: 'SerialNumber' }, AttributePayload: { site: { Ref: 'Site' } } }
    }),
    findings: ['fleet-template /Parameters']
  },
  {
    flaw: 'a CSR from the caller',
    template: templateOf({
      template: { Parameters: own('ThingName', 'CSR') },
      thing: { ThingName: { Ref: 'ThingName' } },
      certificate: { CertificateSigningRequest: { Ref: 'CSR' }, Status: 'ACTIVE' }
    }),
    findings: ['bulk-template /Parameters']
  },
  {
    flaw: 'the id of a certificate from the caller',
    template: templateOf({
      template: { Parameters: own('ThingName', 'CertId') },
      thing: { ThingName: { Ref: 'ThingName' } },
      certificate: { CertificateId: { Ref: 'CertId' }, Status: 'ACTIVE' }
    }),
    findings: ['bulk-template /Parameters']
  },
  {
    flaw: 'a subject field without its prefix',
    template: templateOf({
      template: { Parameters: { ...own('CommonName'), ...id } },
      thing: { ThingName: { Ref: 'CommonName' } }
    }),
    findings: ['parameter-unknown /Parameters/CommonName']
  },
  {
    flaw: 'a value of the template as a parameter with a default',
    template: templateOf({
      template: {
        Parameters: {
          [ref('CommonName').Ref as string]: { Type: 'String' },
          ...id,
          Site: { Type: 'String', Default: 'Graz' }
        }
      }
    }),
    findings: ['parameter-unknown /Parameters/Site']
  },
  {
    flaw: 'the certificate id without a declaration',
    template: templateOf({ parameters: ['CommonName'] }),
    findings: [`certificate-id-undeclared ${certificate}/CertificateId`]
  },
  {
    flaw: 'the certificate id without a declaration, accepted',
    template: templateOf({ parameters: ['CommonName'] }),
    options: { undeclaredCertificateId: 'accept' },
    findings: [`certificate-id-undeclared-accepted ${certificate}/CertificateId`]
  },
  {
    flaw: 'SerialNumber of which nothing is made',
    template: templateOf({ parameters: ['CommonName', 'SerialNumber', 'Id'] }),
    findings: [
      'serial-number-source-stated /Parameters/AWS::IoT::Certificate::SerialNumber',
      'parameter-unused /Parameters/AWS::IoT::Certificate::SerialNumber'
    ]
  }
]

const namedBy = (thingName: Json) => templateOf({ thing: { ThingName: thingName } })
const joined = (...parts: Json[]) => namedBy({ 'Fn::Join': ['-', parts] })
const ruled = (rule: { values?: readonly string[]; pattern?: string }): TemplateOptions => ({
  functions: 'accept',
  subjectCouldBe: field => (field === 'CommonName' ? rule : undefined)
})
const long = `thing-name-long ${thing}/ThingName`
const join = `${thing}/ThingName/Fn::Join`
const accepted = `function-accepted ${join}`

/** Thing names that break later. */
export const thingNameCases: readonly CheckCase[] = [
  {
    flaw: 'a value of 53 characters',
    template: templateOf(),
    options: ruled({ values: ['a', 'x'.repeat(53)] }),
    findings: []
  },
  {
    flaw: 'a value of 54 characters',
    template: templateOf(),
    options: ruled({ values: ['a', 'x'.repeat(54)] }),
    findings: [long]
  },
  {
    flaw: 'a pattern for 48 characters after a prefix of six',
    template: joined('pumps', ref('CommonName')),
    options: ruled({ pattern: '[A-Z]{4}\\d{40,43}x?' }),
    findings: [accepted, `thing-name-long ${join}`]
  },
  {
    flaw: 'a pattern for 47 characters after a prefix of six',
    template: joined('pumps', ref('CommonName')),
    options: ruled({ pattern: '[A-Z]{4}\\d{40,43}' }),
    findings: [accepted]
  },
  {
    flaw: 'a pattern without an end',
    template: joined('pumps', ref('CommonName')),
    options: ruled({ pattern: '[A-Z0-9]+' }),
    findings: [accepted]
  },
  {
    flaw: 'a colon between two parts',
    template: namedBy({ 'Fn::Join': [':', ['pumps', ref('CommonName')]] }),
    options: { functions: 'accept' },
    findings: [accepted, `thing-name-colon ${join}`]
  },
  {
    flaw: 'a value with a colon',
    template: templateOf(),
    options: ruled({ values: ['pumps:1'] }),
    findings: [`thing-name-colon ${thing}/ThingName`]
  }
]
