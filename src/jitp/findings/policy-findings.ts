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
  'policy-repeated': {
    severity: 'warning',
    atAws: 'The certificate has the policy once.',
    remedy: 'Keep one of the two resources.'
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
  'policy-action-unknown': {
    severity: 'warning',
    atAws:
      'AWS IoT never asks about such an action: what was meant stays forbidden, or allowed where it was to be denied.',
    remedy: 'Write the action as AWS has it, such as iot:RetainPublish.'
  },
  'policy-action-of-other-service': {
    severity: 'warning',
    atAws:
      'The policy of a certificate is asked for AWS IoT alone: the device gets no access to another service.',
    remedy:
      'Remove it. A device reaches other services with a role alias (iot:AssumeRoleWithCertificate) or by a rule.'
  },
  'policy-action-not-for-devices': {
    severity: 'warning',
    atAws:
      'IAM decides about this action; no device can do it with its certificate, whatever the policy allows.',
    remedy: 'Remove it, and let a service with a role of its own do it.'
  },
  'policy-resource-not-of-action': {
    severity: 'warning',
    atAws: 'The action is asked about resources of another type: this pair allows and denies nothing.',
    remedy:
      'iot:Connect goes with client/, iot:Publish and iot:Receive with topic/, iot:Subscribe with topicfilter/, shadows with thing/.'
  },
  'policy-resource-matches-nothing': {
    severity: 'warning',
    atAws: 'No client, topic or thing has such an ARN: the statement does nothing for it.',
    remedy: 'An ARN reads arn:aws:iot:REGION:ACCOUNT:topic/NAME, with 12 digits for the account.'
  },
  'policy-resource-elsewhere': {
    severity: 'warning',
    atAws: 'Devices of this registration never meet a resource of another account, region or partition.',
    remedy: 'Write the account and region of the registration, or * for one that differs.'
  },
  'policy-resource-wide': {
    severity: 'note',
    atAws: 'A single device may do this for the topics and things of all others.',
    remedy: 'Name what belongs to the device, by a policy variable such as ${iot:Connection.Thing.ThingName}.'
  },
  'policy-mqtt-wildcard': {
    severity: 'warning',
    atAws: 'Policies take + and # as they are written, and no message has them in its topic.',
    remedy: 'Write * for any characters, or ? for one.'
  },
  'policy-mqtt-wildcard-in-filter': {
    severity: 'note',
    atAws: 'The device may subscribe to this filter as it is written, and to no narrower one.',
    remedy:
      'Write * to allow the topics below as well; leave it where the firmware subscribes to just this filter.'
  },
  'policy-condition-operator-unknown': {
    severity: 'error',
    atAws: malformed,
    remedy: 'Use an operator of IAM, such as StringEquals, StringLike, Bool or IpAddress.'
  },
  'policy-condition-key-unknown': {
    severity: 'warning',
    atAws:
      'The key has no value on a connection: the condition is decided without it, mostly against the device.',
    remedy: 'Use iot:ClientId, iot:Connection.Thing.…, iot:Certificate.…, iot:DomainName or aws:SourceIp.'
  },
  'policy-variable-unknown': {
    severity: 'warning',
    atAws:
      'Only variables that AWS IoT fills are replaced; another one is matched as it is written, that is, by nothing.',
    remedy:
      'Use a policy variable such as ${iot:Connection.Thing.ThingName} or ${iot:Certificate.Subject.CommonName}.'
  },
  'policy-variable-unclosed': {
    severity: 'warning',
    atAws:
      'Nothing is replaced: the text is matched as it is written, that is, by nothing, or the policy is refused.',
    remedy: 'Close the variable with }.'
  },
  'policy-thing-variable-without-thing': {
    severity: 'warning',
    atAws:
      'Without a thing that the certificate is attached to, thing variables have no value and match nothing.',
    remedy: 'Add a resource of type AWS::IoT::Thing, or use ${iot:ClientId} or a certificate variable.'
  },
  'policy-sid-repeated': {
    severity: 'warning',
    atAws: 'The policy language wants each Sid once in a document; IAM refuses a second one.',
    remedy: 'Give each statement a Sid of its own, or none.'
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
      'The policies of the template together let no client connect: the broker turns the device away although it is provisioned.',
    remedy:
      'Allow iot:Connect on the client id, and deny it to no one who needs it, unless another policy does.'
  },
  'policy-subscribes-without-receive': {
    severity: 'warning',
    atAws: 'The device subscribes, and no message is delivered to it.',
    remedy: 'Allow iot:Receive on topic/ with the same topics, unless another policy does.'
  },
  'policy-receives-without-subscribe': {
    severity: 'warning',
    atAws:
      'The device cannot subscribe to what it may receive, and the broker closes the connection when it tries.',
    remedy: 'Allow iot:Subscribe on topicfilter/ with the same topics, unless another policy does.'
  },
  'policy-retains-without-publish': {
    severity: 'warning',
    atAws: 'A retained message needs iot:Publish on its topic as well.',
    remedy: 'Allow iot:Publish on the same topic, unless another policy does.'
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
