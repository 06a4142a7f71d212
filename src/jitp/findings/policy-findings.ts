import type { FindingEntry } from './finding-entry.ts'

const malformed = 'Creating the policy fails with MalformedPolicyException, and with it every provisioning.'

/** Findings about AWS::IoT::Policy and the documents inside. */
export const policyFindings = {
  'policy-missing': {
    severity: 'warning',
    atAws: 'The device is allowed nothing until something else attaches a policy, not even to connect.',
    remedy: 'Add a resource of type AWS::IoT::Policy with a PolicyName.'
  },
  'policy-name-or-document': {
    severity: 'error',
    atAws: 'AWS IoT refuses the template: a policy has either PolicyName or PolicyDocument.',
    remedy: 'Give exactly one of the two.'
  },
  'policies-too-many': {
    severity: 'error',
    atAws: 'A certificate can have 10 policies; attaching the next one fails.',
    remedy: 'Merge policies.'
  },
  'policy-name-invalid': {
    severity: 'error',
    atAws: 'No policy can have that name: every provisioning fails.',
    remedy: 'Policy names have 1 to 128 of letters, digits, `_` `+` `=` `,` `.` `@` `-`.'
  },
  'policy-document-object': {
    severity: 'warning',
    atAws:
      'The guide takes the document as an escaped string; the object form appears in one fleet example only.',
    remedy: 'Let `mintline template export` write the string.'
  },
  'policy-document-not-json': { severity: 'error', atAws: malformed, remedy: 'Correct the document.' },
  'policy-document-escaped-too-often': {
    severity: 'error',
    atAws: malformed,
    remedy: 'Remove one layer of escaping, or let `mintline template export` write it.'
  },
  'policy-document-invalid': {
    severity: 'error',
    atAws: malformed,
    remedy: 'A document has Version and Statement; a statement has Effect, Action and Resource.'
  },
  'policy-document-too-long': {
    severity: 'error',
    atAws: 'A policy document over 2,048 characters, spaces not counted, is refused.',
    remedy: 'Shorten it, or split it over several policies.'
  },
  'policy-document-from-subject': {
    severity: 'error',
    atAws: malformed,
    remedy: 'A certificate parameter cannot hold a policy document. Write the document out.'
  },
  'policy-document-from-id': {
    severity: 'error',
    atAws:
      'Every certificate gets a policy of its own, which cannot be known before the certificate is signed.',
    remedy: 'Use the policy variable ${iot:Certificate.SerialNumber} or a thing variable instead.'
  },
  'policy-per-device': {
    severity: 'warning',
    atAws: 'Each device gets a policy of its own, under a name that is a hash. Nobody can maintain those.',
    remedy: 'Use one document with policy variables such as ${iot:Connection.Thing.ThingName}, or PolicyName.'
  },
  'policy-variable-unknown': {
    severity: 'warning',
    atAws:
      'Policies know iot: and aws: variables; another one is matched as it is written, that is, by nothing.',
    remedy:
      'Use a policy variable such as ${iot:Connection.Thing.ThingName} or ${iot:Certificate.Subject.CommonName}.'
  },
  'policy-uses-thing-name': {
    severity: 'note',
    atAws:
      'Thing variables are filled only while the MQTT client id equals the thing name, or under EXCLUSIVE_THING.',
    remedy: 'Let the firmware connect with the thing name as its client id.'
  },
  'policy-lets-nobody-connect': {
    severity: 'warning',
    atAws:
      'No policy of the template allows iot:Connect: the broker turns the device away although it is provisioned.',
    remedy: 'Allow iot:Connect on the client id, unless another policy does.'
  },
  'policy-allows-everything': {
    severity: 'warning',
    atAws: 'One stolen device can read and write for the whole fleet.',
    remedy: 'Name the actions and topics that a device needs.'
  },
  'placeholder-left': {
    severity: 'warning',
    atAws: 'The text between < and > is taken as it stands and matches nothing.',
    remedy: 'Put in your own region, account, name.'
  }
} as const satisfies Record<string, FindingEntry>
