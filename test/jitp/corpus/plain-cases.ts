import { ref } from '../template-cases.ts'
import { body, bodyOf, type CorpusCase, declared, indent, json, roleArn, soundDocument } from './parts.ts'

const yaml = `# Devices of hall 4
Parameters:
  AWS::IoT::Certificate::CommonName: {Type: String}
  AWS::IoT::Certificate::Id:
    Type: String
Resources:
  thing:
    Type: AWS::IoT::Thing
    Properties:
      ThingName: {Ref: AWS::IoT::Certificate::CommonName}
    OverrideSettings:
      AttributePayload: MERGE
  certificate:
    Type: AWS::IoT::Certificate
    Properties:
      CertificateId:
        Ref: 'AWS::IoT::Certificate::Id'
      Status: ACTIVE
    OverrideSettings: {Status: REPLACE}
  policy:
    Type: AWS::IoT::Policy
    Properties:
      PolicyDocument: |
${indent(json(soundDocument), 8)}
`

/** The template alone, as JSON and as YAML, and texts that are neither. */
export const plainCases: readonly CorpusCase[] = [
  { name: 'JSON', text: body, form: 'template' },
  { name: 'JSON on one line', text: JSON.stringify(bodyOf()), form: 'template' },
  {
    name: 'JSON with a byte order mark',
    text: `\ufeff${body}`,
    form: 'template',
    warnings: ['byte-order-mark']
  },
  { name: 'the body as a string', text: JSON.stringify(body), form: 'string' },
  {
    name: 'the body as a string in a string',
    text: JSON.stringify(JSON.stringify(body)),
    form: 'string',
    errors: ['escaped-too-often']
  },
  { name: 'YAML', text: yaml, form: 'template', warnings: ['template-is-yaml'] },
  {
    name: 'YAML of Windows',
    text: yaml.replaceAll('\n', '\r\n'),
    form: 'template',
    warnings: ['template-is-yaml']
  },
  { name: 'YAML after ---', text: `---\n${yaml}`, form: 'template', warnings: ['template-is-yaml'] },
  {
    name: 'YAML with short tags',
    text: yaml.replace("\n        Ref: 'AWS::IoT::Certificate::Id'", ' !Ref AWS::IoT::Certificate::Id'),
    form: 'template',
    warnings: ['template-is-yaml']
  },
  {
    name: 'YAML with an anchor',
    text: yaml
      .replace('CommonName: {Type: String}', 'CommonName: &string {Type: String}')
      .replace('Id:\n    Type: String', 'Id: *string'),
    form: 'template',
    warnings: ['template-is-yaml']
  },
  {
    name: 'YAML with a policy that is not a string',
    text: yaml.replace('PolicyDocument: |', 'PolicyDocument:'),
    form: 'template',
    warnings: ['template-is-yaml', 'policy-document-object']
  },
  {
    name: 'YAML with a mistake',
    text: yaml.replace('      Status: ACTIVE', '     Status: ACTIVE'),
    form: 'template',
    errors: ['yaml-syntax']
  },
  {
    name: 'YAML of two documents',
    text: `${yaml}---\n${yaml}`,
    form: 'template',
    errors: ['yaml-syntax']
  },
  {
    name: 'a page of a documentation',
    text: `<!DOCTYPE html>\n<html lang="en"><body><pre>${body}</pre></body></html>`,
    form: 'template',
    errors: ['text-of-another-kind']
  },
  {
    name: 'the error of a bucket',
    text: '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
    form: 'template',
    errors: ['text-of-another-kind']
  },
  {
    name: 'the CA certificate instead of the template',
    text: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
    form: 'template',
    errors: ['text-of-another-kind']
  },
  {
    name: 'between lines of Markdown',
    text: `\`\`\`json\n${body}\n\`\`\`\n`,
    form: 'template',
    errors: ['text-of-another-kind']
  },
  {
    name: 'code of CDK',
    text: `import * as iot from 'aws-cdk-lib/aws-iot'\nnew iot.CfnProvisioningTemplate(this, 'T', {})\n`,
    form: 'template',
    errors: ['text-of-another-kind']
  },
  {
    name: 'a command with the template in it',
    text: `aws iot create-provisioning-template --template-name meters --template-body '${JSON.stringify(bodyOf())}'`,
    form: 'template',
    errors: ['text-of-another-kind']
  },
  {
    name: 'a template that misses its brace',
    text: body.slice(0, -2),
    form: 'template',
    errors: ['json-syntax']
  },
  {
    name: 'a thing named by the certificate',
    text: json(bodyOf({ parameters: declared('Id'), thing: { ThingName: ref('Id') } })),
    form: 'template',
    warnings: ['thing-name-long', 'thing-named-by-id']
  },
  {
    name: 'a policy by name',
    text: json(bodyOf({ policy: { PolicyName: 'meters' } })),
    form: 'template'
  },
  {
    name: 'the id of the certificate without a declaration',
    text: json(bodyOf({ parameters: declared('CommonName', 'OrganizationalUnit') })),
    form: 'template',
    errors: ['certificate-id-undeclared']
  },
  {
    name: 'the id of the certificate without a declaration, seen to work',
    text: json(bodyOf({ parameters: declared('CommonName', 'OrganizationalUnit') })),
    options: { undeclaredCertificateId: 'accept' },
    form: 'template',
    warnings: ['certificate-id-undeclared-accepted']
  },
  {
    name: 'SerialNumber as the name of the thing',
    text: json(
      bodyOf({ parameters: declared('SerialNumber', 'Id'), thing: { ThingName: ref('SerialNumber') } })
    ),
    form: 'template',
    errors: ['serial-number-source-missing']
  },
  {
    name: 'SerialNumber as the name of the thing, from the certificate',
    text: json(
      bodyOf({ parameters: declared('SerialNumber', 'Id'), thing: { ThingName: ref('SerialNumber') } })
    ),
    options: { serialNumberSource: 'certificate' },
    form: 'template',
    warnings: ['serial-number-source-stated']
  },
  {
    name: 'SerialNumber declared for nothing',
    text: json(bodyOf({ parameters: declared('SerialNumber', 'CommonName', 'OrganizationalUnit', 'Id') })),
    form: 'template',
    warnings: ['serial-number-source-stated', 'parameter-unused']
  },
  {
    name: 'a registration config',
    text: json({ templateBody: body, roleArn }),
    form: 'registration-config'
  }
]
