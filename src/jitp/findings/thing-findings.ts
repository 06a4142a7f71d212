import type { FindingEntry } from './finding-entry.ts'

const thingRefused =
  'Creating the thing fails, and with it the whole provisioning: the certificate stays PENDING_ACTIVATION.'

/** Findings about AWS::IoT::Thing. */
export const thingFindings = {
  'thing-missing': {
    severity: 'warning',
    atAws: 'The certificate is activated with no thing: no shadow, no attributes, no thing policy variables.',
    remedy: 'Add a resource of type AWS::IoT::Thing.'
  },
  'thing-repeated': {
    severity: 'error',
    atAws: 'A template provisions one thing; what AWS does with a second one is not known.',
    remedy: 'Keep one.'
  },
  'thing-name-missing': {
    severity: 'error',
    atAws: thingRefused,
    remedy: 'Add ThingName, usually {"Ref": "AWS::IoT::Certificate::CommonName"}.'
  },
  'thing-name-invalid': {
    severity: 'error',
    atAws: thingRefused,
    remedy: 'Thing names have 1 to 128 of letters, digits, `:` `_` `-`.'
  },
  'thing-name-shared': {
    severity: 'warning',
    atAws: 'All devices with the same name become certificates of one single thing.',
    remedy: 'Name the thing by a field that differs from device to device, usually CommonName.'
  },
  'thing-name-long': {
    severity: 'warning',
    atAws:
      "A thing name may have 128 characters. But a client token of the jobs topics has 64, and AWS's OTA agent for FreeRTOS puts the name after a counter and a colon into it: with more than 53 its requests are refused sooner or later, and its older versions take no name over 64.",
    remedy: 'Keep thing names within 53 characters, usually by naming them by CommonName and a rule for it.'
  },
  'thing-name-colon': {
    severity: 'warning',
    atAws:
      'AWS IoT takes a colon in a thing name; AWS IoT Greengrass does not take such a thing as a core device.',
    remedy: 'Use a hyphen or an underscore.'
  },
  'thing-named-by-id': {
    severity: 'warning',
    atAws:
      'The thing bears the 64 hex digits of the certificate id; a renewed certificate makes a second thing.',
    remedy: 'Name the thing by CommonName if the name should outlive the certificate.'
  },
  'attribute-name-invalid': {
    severity: 'error',
    atAws: thingRefused,
    remedy: 'Attribute names have 1 to 128 of letters, digits, `_` `.` `,` `@` `/` `:` `#` `-`.'
  },
  'attribute-value-invalid': {
    severity: 'error',
    atAws: thingRefused,
    remedy:
      'Attribute values have at most 800 of letters, digits, `_` `.` `,` `@` `/` `:` `#` `=` `[` `]` `-`, and no spaces.'
  },
  'attributes-too-many': {
    severity: 'error',
    atAws: thingRefused,
    remedy: 'Keep 3 attributes, or name a thing type: a thing with a type may have 50.'
  },
  'attributes-wrapped': {
    severity: 'error',
    atAws: 'The template takes the attributes flat; the wrapping `attributes` belongs to the API.',
    remedy: 'Put names and values directly under AttributePayload.'
  },
  'thing-type-invalid': {
    severity: 'error',
    atAws: thingRefused,
    remedy: 'Thing type names have 1 to 128 of letters, digits, `:` `_` `-`.'
  },
  'thing-group-invalid': {
    severity: 'error',
    atAws: thingRefused,
    remedy: 'Group names have 1 to 128 of letters, digits, `:` `_` `-`.'
  },
  'thing-group-repeated': {
    severity: 'warning',
    atAws: 'The thing joins the group once.',
    remedy: 'Name each group once.'
  },
  'thing-groups-too-many': {
    severity: 'error',
    atAws: thingRefused,
    remedy: 'A thing can be in 10 groups.'
  },
  'billing-group-invalid': {
    severity: 'error',
    atAws: thingRefused,
    remedy: 'Billing group names have 1 to 128 of letters, digits, `:` `_` `-`.'
  },
  'must-exist-beforehand': {
    severity: 'note',
    atAws:
      'Provisioning creates no thing type, group, billing group or named policy: a missing one fails it.',
    remedy: 'Create it in every account and region where devices connect, before the first of them does.'
  },
  'must-exist-for-every-value': {
    severity: 'warning',
    atAws:
      'The name comes from the certificate, and provisioning fails wherever nothing of that name exists.',
    remedy: 'Create one for every value that certificates can carry, or write a fixed name.'
  },
  'certificate-id-names-nothing': {
    severity: 'error',
    atAws:
      'The certificate id is new with each certificate, so that nothing of that name can exist beforehand.',
    remedy: 'Write a fixed name, or use a subject field.'
  },
  'package-versions-not-predicted': {
    severity: 'warning',
    atAws: 'AWS IoT attaches the named software package versions, which must exist.',
    remedy: 'Check them in the account: Mintline leaves them out of its prediction.'
  },
  'override-settings-missing': {
    severity: 'note',
    atAws: 'AWS does not say what happens to a resource that exists already when OverrideSettings is absent.',
    remedy: 'State OverrideSettings, so that a renewed certificate finds a known rule.'
  },
  'override-key-unknown': {
    severity: 'error',
    atAws: 'AWS documents no such override; the rule you mean does not hold.',
    remedy:
      'A thing has AttributePayload, ThingTypeName, ThingGroups; a certificate has Status; a policy has none.'
  },
  'override-key-spelling': {
    severity: 'warning',
    atAws:
      "The text of AWS's guide spells the key like this, all of its examples spell it like the property.",
    remedy: 'Write AttributePayload, ThingTypeName or ThingGroups, as the examples do.'
  },
  'override-key-repeated': {
    severity: 'error',
    atAws: 'Which of two rules for one property holds is not known.',
    remedy: 'Keep one.'
  },
  'override-value-unknown': {
    severity: 'error',
    atAws: 'AWS IoT refuses the template.',
    remedy: 'Use DO_NOTHING, REPLACE or FAIL; MERGE only for AttributePayload and ThingGroups.'
  }
} as const satisfies Record<string, FindingEntry>
