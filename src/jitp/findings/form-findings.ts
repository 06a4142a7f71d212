import type { FindingEntry } from './finding-entry.ts'

const deployed =
  'of a template that is deployed, `aws iot describe-provisioning-template --template-name NAME` prints the body as it is'

/** Findings about the form in which a template is handed over, and what is around it there. */
export const formFindings = {
  'text-of-another-kind': {
    severity: 'error',
    atAws: 'There is no template to provision with.',
    remedy: `Give the template itself; ${deployed}, and \`cdk synth\` prints what CDK code makes.`
  },
  'terraform-source': {
    severity: 'error',
    atAws: 'AWS IoT gets what Terraform makes of it, which Terraform alone knows.',
    remedy: `Give what \`terraform show -json\` prints (of a plan: \`terraform plan -out FILE\`, then \`terraform show -json FILE\`); ${deployed}.`
  },
  'yaml-syntax': {
    severity: 'error',
    atAws: 'AWS CLI, CloudFormation and AWS IoT refuse the file.',
    remedy:
      'Correct the text at the place shown: indentation by spaces, one document, no aliases before their anchors.'
  },
  'template-is-yaml': {
    severity: 'warning',
    atAws: 'AWS CLI and AWS IoT take a template as JSON, and refuse YAML.',
    remedy: 'Keep the YAML if you like; `mintline template export` writes the JSON for AWS.'
  },
  'body-is-yaml': {
    severity: 'error',
    atAws: 'AWS IoT reads the body as JSON and refuses it.',
    remedy: 'Write the body as JSON; `mintline template export` does.'
  },
  'template-unpacked': {
    severity: 'note',
    atAws: 'AWS IoT gets the body alone; what is around it is for the tool that deploys it.',
    remedy: '`mintline template export` writes the registration config of the AWS CLI.'
  },
  'templates-several': {
    severity: 'error',
    atAws: 'A CA is registered with one template.',
    remedy: `Leave the one in the file that devices are to meet, with the type JITP; ${deployed}.`
  },
  'value-not-filled-in': {
    severity: 'error',
    atAws: 'AWS IoT gets the body with a value in this place, and what it does depends on it.',
    remedy: `Write the value in its place; ${deployed}, and \`terraform show -json\` what Terraform knows.`
  },
  'stored-for-fleet': {
    severity: 'error',
    atAws:
      'A CA is registered with a stored template of type JITP only; the type cannot be changed later, and a hook is not called.',
    remedy:
      'Store the body once more, with the type JITP (TemplateType in CloudFormation, `type` in Terraform) and no hook. Registering the CA by Mintline stores it so.'
  },
  'stored-template-disabled': {
    severity: 'warning',
    atAws: 'AWS IoT does not provision by a stored template that is not enabled.',
    remedy: 'Enable it.'
  }
} as const satisfies Record<string, FindingEntry>
