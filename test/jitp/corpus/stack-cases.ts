import type { Json, JsonMembers } from '../template-cases.ts'
import { body, bodyOf, type CorpusCase, indent, json, roleArn, soundDocument } from './parts.ts'

const role = { 'Fn::GetAtt': ['JitpRole', 'Arn'] }
const templateResource = (properties: JsonMembers): JsonMembers => ({
  Type: 'AWS::IoT::ProvisioningTemplate',
  Properties: { TemplateType: 'JITP', ProvisioningRoleArn: role, ...properties }
})
const stackOf = (properties: JsonMembers, more: JsonMembers = {}): string =>
  json({
    AWSTemplateFormatVersion: '2010-09-09',
    Resources: {
      JitpRole: { Type: 'AWS::IAM::Role', Properties: {} },
      MeterTemplate: templateResource(properties),
      ...more
    }
  })
const withBody = (templateBody: Json): string => stackOf({ TemplateBody: templateBody })
const [head, tail] = [body.slice(0, 400), body.slice(400)]
const openBody = body.replace('Acme', '${AWS::Region}')

const yamlStack = (templateBody: string): string => `AWSTemplateFormatVersion: '2010-09-09'
Description: Meters
Resources:
  MeterTemplate:
    Type: AWS::IoT::ProvisioningTemplate
    Properties:
      TemplateName: meters
      TemplateType: JITP
      Enabled: true
      ProvisioningRoleArn: !GetAtt JitpRole.Arn
      TemplateBody: ${templateBody}
  JitpRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: iot.amazonaws.com}}]
`
const block = (text: string) => `|\n${indent(text, 8)}`

/** Templates of CloudFormation, as people write them and CDK makes them. */
export const stackCases: readonly CorpusCase[] = [
  { name: 'CloudFormation', text: withBody(body), form: 'cloudformation' },
  {
    name: 'CloudFormation with a role by ARN',
    text: stackOf({ TemplateBody: body, ProvisioningRoleArn: roleArn }),
    form: 'cloudformation'
  },
  { name: 'CloudFormation in YAML', text: yamlStack(block(body)), form: 'cloudformation' },
  {
    name: 'CloudFormation in YAML, with !Sub that replaces nothing',
    text: yamlStack(`!Sub ${block(body.replaceAll('${iot:', '${!iot:'))}`),
    form: 'cloudformation'
  },
  {
    name: 'CloudFormation in YAML, with !Sub and policy variables left as they are',
    text: yamlStack(`!Sub ${block(body)}`),
    form: 'cloudformation',
    errors: ['value-not-filled-in']
  },
  {
    name: 'CloudFormation in YAML, with !Sub and a region',
    text: yamlStack(`!Sub ${block(openBody.replaceAll('${iot:', '${!iot:'))}`),
    form: 'cloudformation',
    errors: ['value-not-filled-in']
  },
  {
    name: 'CloudFormation in YAML, with a body of its own',
    text: yamlStack(`\n${indent('Parameters: {}\nResources: {}', 8)}`),
    form: 'cloudformation',
    errors: ['escaped-too-seldom', 'certificate-missing'],
    warnings: ['thing-missing', 'policy-missing']
  },
  {
    name: 'CDK: a join of literals',
    text: withBody({ 'Fn::Join': ['', [head, tail]] }),
    form: 'cloudformation'
  },
  {
    name: 'CDK: a join with a value of the stack',
    text: withBody({ 'Fn::Join': ['', [head, { Ref: 'AWS::AccountId' }, tail]] }),
    form: 'cloudformation',
    errors: ['value-not-filled-in']
  },
  {
    name: 'CDK: a mistake in the second part of a join',
    text: withBody({ 'Fn::Join': ['', [head, tail.replace('"ACTIVE"', '"INACTIVE"')]] }),
    form: 'cloudformation',
    errors: ['certificate-not-active']
  },
  {
    name: 'Fn::Sub with values that are written out',
    text: withBody({
      'Fn::Sub': [body.replaceAll('${iot:', '${!iot:').replace('Acme', '${Maker}'), { Maker: 'Bolt' }]
    }),
    form: 'cloudformation'
  },
  {
    name: 'Fn::ToJsonString of literals',
    text: withBody({
      'Fn::ToJsonString': {
        Parameters: {},
        Resources: { policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'm' } } }
      }
    }),
    form: 'cloudformation',
    errors: ['certificate-missing'],
    warnings: ['thing-missing']
  },
  {
    name: 'Fn::ToJsonString with a Ref, which is then of CloudFormation',
    text: withBody({ 'Fn::ToJsonString': bodyOf() }),
    form: 'cloudformation',
    errors: Array.from({ length: 3 }, () => 'value-not-filled-in')
  },
  {
    name: 'a parameter of the stack as body',
    text: withBody({ Ref: 'Body' }),
    form: 'cloudformation',
    errors: ['value-not-filled-in']
  },
  {
    name: 'CloudFormation without a type',
    text: json({
      Resources: {
        T: {
          Type: 'AWS::IoT::ProvisioningTemplate',
          Properties: { TemplateBody: body, ProvisioningRoleArn: role }
        }
      }
    }),
    form: 'cloudformation',
    errors: ['stored-for-fleet']
  },
  {
    name: 'a template for fleets beside one for just-in-time provisioning',
    text: stackOf(
      { TemplateBody: body },
      {
        Claim: {
          Type: 'AWS::IoT::ProvisioningTemplate',
          Properties: { TemplateBody: '{}', ProvisioningRoleArn: role }
        }
      }
    ),
    form: 'cloudformation'
  },
  {
    name: 'two templates for just-in-time provisioning',
    text: stackOf({ TemplateBody: body }, { Valves: templateResource({ TemplateBody: body }) }),
    form: 'cloudformation',
    errors: ['templates-several']
  },
  {
    name: 'a CA certificate with its registration config',
    text: json({
      Resources: {
        FactoryCa: {
          Type: 'AWS::IoT::CACertificate',
          Properties: { Status: 'ACTIVE', RegistrationConfig: { TemplateBody: body, RoleArn: roleArn } }
        }
      }
    }),
    form: 'cloudformation'
  },
  {
    name: 'a stack with a policy and no template',
    text: json({
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: { MeterPolicy: { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument: soundDocument } } }
    }),
    form: 'cloudformation',
    errors: ['template-not-found']
  },
  {
    name: 'what get-template prints',
    text: json({
      TemplateBody: JSON.parse(withBody(body)) as Json,
      StagesAvailable: ['Original', 'Processed']
    }),
    form: 'cloudformation'
  }
]

const resource = (values: JsonMembers): JsonMembers => ({
  address: 'module.iot.aws_iot_provisioning_template.meters',
  mode: 'managed',
  type: 'aws_iot_provisioning_template',
  name: 'meters',
  values: {
    name: 'meters',
    type: 'JITP',
    enabled: true,
    provisioning_role_arn: roleArn,
    pre_provisioning_hook: [],
    template_body: body,
    ...values
  }
})
const shown = (member: string, ...resources: JsonMembers[]): string =>
  json({
    format_version: '1.2',
    [member]: { root_module: { child_modules: [{ address: 'module.iot', resources }] } }
  })
const configuration = (values: JsonMembers): string =>
  json({
    resource: {
      aws_iot_provisioning_template: {
        meters: { name: 'meters', type: 'JITP', provisioning_role_arn: roleArn, ...values }
      }
    }
  })

/** Terraform and OpenTofu. */
export const terraformCases: readonly CorpusCase[] = [
  { name: 'terraform show -json of a state', text: shown('values', resource({})), form: 'terraform' },
  { name: 'terraform show -json of a plan', text: shown('planned_values', resource({})), form: 'terraform' },
  {
    name: 'a plan whose body is not known yet',
    text: shown('planned_values', resource({ template_body: null })),
    form: 'terraform',
    errors: ['value-not-filled-in']
  },
  {
    name: 'a state with a hook for fleets',
    text: shown(
      'values',
      resource({ type: 'FLEET_PROVISIONING', pre_provisioning_hook: [{ target_arn: 'x' }] })
    ),
    form: 'terraform',
    errors: ['stored-for-fleet']
  },
  {
    name: 'a state of two templates',
    text: shown('values', resource({}), resource({ name: 'valves' })),
    form: 'terraform',
    errors: ['templates-several']
  },
  {
    name: 'a state file',
    text: json({
      version: 4,
      terraform_version: '1.9.0',
      resources: [
        {
          mode: 'managed',
          type: 'aws_iot_ca_certificate',
          name: 'factory',
          instances: [
            {
              attributes: {
                registration_config: [{ role_arn: roleArn, template_body: body, template_name: '' }]
              }
            }
          ]
        }
      ]
    }),
    form: 'terraform'
  },
  {
    name: 'a configuration in JSON',
    text: configuration({ template_body: body.replaceAll('${', () => '$${') }),
    form: 'terraform'
  },
  {
    name: 'a configuration in JSON with a function',
    text: configuration({ template_body: '${jsonencode(local.meters)}' }),
    form: 'terraform',
    errors: ['terraform-source']
  },
  {
    name: 'HCL with jsonencode',
    text: `resource "aws_iot_provisioning_template" "meters" {\n  type = "JITP"\n  template_body = jsonencode({\n    Parameters = {}\n  })\n}\n`,
    form: 'template',
    errors: ['terraform-source']
  },
  {
    name: 'HCL after a comment, with a heredoc',
    text: `# Meters\nlocals {\n  body = <<EOF\n${body}\nEOF\n}\n`,
    form: 'template',
    errors: ['terraform-source']
  },
  {
    name: 'the argument of jsonencode',
    text: '{\n  Parameters = {\n    "AWS::IoT::Certificate::Id" = { Type = "String" }\n  }\n}\n',
    form: 'template',
    errors: ['terraform-source']
  }
]
