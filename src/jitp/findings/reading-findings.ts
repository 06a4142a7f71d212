import type { FindingEntry } from './finding-entry.ts'

const notJson = 'AWS CLI and AWS IoT read strict JSON and refuse the file.'

/** Findings about the text: JSON, escaping, and what the text turns out to be. */
export const readingFindings = {
  'text-too-large': {
    severity: 'error',
    atAws: 'A template body is at most 10,240 characters.',
    remedy:
      'Give the template alone, of a stack or a state as well: `aws iot describe-provisioning-template --template-name NAME` prints it.'
  },
  'nesting-too-deep': {
    severity: 'error',
    atAws: 'No valid template nests this deeply.',
    remedy: 'Give the template alone.'
  },
  'json-syntax': { severity: 'error', atAws: notJson, remedy: 'Correct the text at the place shown.' },
  'json-duplicate-name': {
    severity: 'error',
    atAws: 'One of the two values is dropped without a word.',
    remedy: 'Keep one of them.'
  },
  'json-trailing-comma': { severity: 'error', atAws: notJson, remedy: 'Remove the comma.' },
  'json-comment': { severity: 'error', atAws: notJson, remedy: 'Remove the comment.' },
  'json-control-character': {
    severity: 'error',
    atAws: notJson,
    remedy: 'Write line breaks inside a string as \\n, or put the string on one line.'
  },
  'json-foreign-space': {
    severity: 'error',
    atAws: notJson,
    remedy: 'Replace the space: it was copied from a web page or a word processor.'
  },
  'json-bad-escape': {
    severity: 'error',
    atAws: notJson,
    remedy: 'Remove the backslash, or double it if the backslash is meant.'
  },
  'typographic-quotes': {
    severity: 'error',
    atAws: notJson,
    remedy: 'Replace the curly quotes by " (U+0022): a web page or a word processor changed them.'
  },
  'single-quotes': { severity: 'error', atAws: notJson, remedy: 'Use double quotes.' },
  'byte-order-mark': {
    severity: 'warning',
    atAws: 'AWS CLI may refuse a file that starts with a byte order mark.',
    remedy: 'Save the file as UTF-8 without a byte order mark.'
  },
  'body-byte-order-mark': {
    severity: 'error',
    atAws: 'The body is stored as it is, and what begins with a byte order mark is not JSON.',
    remedy: 'Take U+FEFF off the beginning of templateBody.'
  },
  'escaped-too-seldom': {
    severity: 'error',
    atAws: 'AWS CLI refuses the file: a document inside a string must have its quotes escaped.',
    remedy: 'Let `mintline template export` write the file.'
  },
  'escaped-too-often': {
    severity: 'error',
    atAws: 'AWS IoT finds a string where it wants the template, and refuses it.',
    remedy: 'Remove one layer of escaping, or let `mintline template export` write the file.'
  },
  'template-not-found': {
    severity: 'error',
    atAws: 'There is no template to provision with.',
    remedy:
      'Give the template (an object with Parameters and Resources), its body as a string, or the registration config.'
  },
  'template-named-only': {
    severity: 'error',
    atAws: 'AWS IoT uses the stored template of that name, which cannot be seen from here.',
    remedy: 'Give the body of the stored template (`aws iot describe-provisioning-template`).'
  },
  'registration-config-member-unknown': {
    severity: 'error',
    atAws: 'AWS CLI refuses members that the API does not know.',
    remedy: 'Keep templateBody and roleArn only.'
  },
  'role-arn-missing': {
    severity: 'warning',
    atAws: 'A registration config without roleArn is refused: AWS IoT has no role to provision with.',
    remedy: 'Add the ARN of a role that iot.amazonaws.com may assume.'
  },
  'role-arn-invalid': {
    severity: 'error',
    atAws: 'AWS IoT cannot assume the role: certificates stay PENDING_ACTIVATION.',
    remedy: 'Give the ARN as IAM shows it: arn:aws:iam::<12 digits>:role/<name>.'
  },
  'body-too-long': {
    severity: 'error',
    atAws: 'A template body over 10,240 characters is refused.',
    remedy: 'Shorten it: refer to a policy by PolicyName instead of carrying its document.'
  },
  'body-too-long-as-given': {
    severity: 'warning',
    atAws:
      'A template body over 10,240 characters is refused, and `--template-body file://…` of the AWS CLI sends a file as it is.',
    remedy: 'Let Mintline register it, or `mintline template export` write it: both leave out the spaces.'
  },
  'member-unknown': {
    severity: 'error',
    atAws: 'AWS documents no such member; what it does with it is not known.',
    remedy: 'Correct the spelling (case matters) or remove it.'
  },
  'value-type-wrong': {
    severity: 'error',
    atAws: 'AWS IoT refuses the template.',
    remedy: 'Write the value as the kind of JSON that is expected; numbers and booleans go in quotes.'
  },
  'resources-missing': {
    severity: 'error',
    atAws: 'There is nothing to provision.',
    remedy: 'Add Resources with a thing, a certificate and a policy.'
  },
  'resource-type-unknown': {
    severity: 'error',
    atAws: 'AWS IoT refuses the template.',
    remedy: 'Use AWS::IoT::Thing, AWS::IoT::Certificate or AWS::IoT::Policy.'
  }
} as const satisfies Record<string, FindingEntry>
