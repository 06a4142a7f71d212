import type { FindingEntry } from './finding-entry.ts'
import { switchNames } from './switch-names.ts'

const neverProvisioned = 'Every provisioning fails: the certificate stays PENDING_ACTIVATION.'

/** Findings about parameters, references, functions, and what only fleet provisioning has. */
export const expressionFindings = {
  'parameter-unknown': {
    severity: 'error',
    atAws:
      'Just-in-time provisioning fills eight parameters from the certificate and no others; a further one stays without a value and every provisioning fails.',
    remedy: 'Use one of the eight AWS::IoT::Certificate::… names, or write the value into the template.'
  },
  'parameter-type-unknown': {
    severity: 'error',
    atAws: 'AWS IoT refuses the template: String is the only type.',
    remedy: 'Write "Type": "String".'
  },
  'parameter-unused': {
    severity: 'warning',
    atAws: 'A declared parameter must be in every certificate, used or not.',
    remedy: 'Remove the declaration if devices need not carry the field.'
  },
  'parameter-default-ignored': {
    severity: 'warning',
    atAws:
      'AWS does not say that Default stands in for a field the certificate lacks, though it was seen to.',
    remedy: `Mintline asks for the field in spite of the default. To rely on the default: ${switchNames('jitp.defaultsFillAbsentFields', 'true')}.`
  },
  'serial-number-source-missing': {
    severity: 'error',
    atAws:
      'AWS contradicts itself: the guide says SerialNumber comes from the subject, its samples show the serial number of the certificate in decimal.',
    remedy: `State it as \`subject\` or \`certificate\`: ${switchNames('serialNumberSource')}. Better, carry the number in CommonName.`
  },
  'serial-number-source-stated': {
    severity: 'warning',
    atAws: 'What SerialNumber stands for is an assumption: AWS contradicts itself.',
    remedy: `Prove it with one device in a test account before the line starts, or use CommonName. The other reading is set by ${switchNames('serialNumberSource')}.`
  },
  'serial-number-negative': {
    severity: 'error',
    atAws: 'RFC 5280 has no negative serial numbers; as what AWS IoT would pass one on is not known.',
    remedy: 'Let the CA issue a certificate with a positive serial number.'
  },
  'ref-undeclared': {
    severity: 'error',
    atAws: 'AWS IoT answers "Cannot resolve reference value" and provisions nothing.',
    remedy: 'Declare the name under Parameters, or correct it.'
  },
  'certificate-id-undeclared': {
    severity: 'error',
    atAws:
      'AWS declares it in all of its examples and does not say whether it has a value undeclared; of other names that are not declared, AWS IoT answers "Cannot resolve reference value" and provisions nothing.',
    remedy: `Declare AWS::IoT::Certificate::Id under Parameters, with the Type String. If a test account has shown that it works without: ${switchNames('jitp.undeclaredCertificateId', 'accept')}.`
  },
  'certificate-id-undeclared-accepted': {
    severity: 'warning',
    atAws: 'AWS declares it in all of its examples and does not say whether it has a value undeclared.',
    remedy: 'Declare it, or prove it with one device in a test account before the line starts.'
  },
  'certificate-id-decides': {
    severity: 'error',
    atAws:
      'The digits of the certificate id follow from the signature: whether AWS IoT provisions the device, and as what, is known only when the certificate exists.',
    remedy:
      'Put the certificate id into a name or a value, and let nothing be chosen by it: no index, no key of a map, no Fn::Split at a delimiter with hexadecimal digits.'
  },
  noncharacter: {
    severity: 'error',
    atAws: 'Names and values have no such code point, and what AWS IoT makes of one elsewhere is not known.',
    remedy:
      'Remove it: Unicode keeps U+FDD0 to U+FDEF, and the last two code points of each plane, for no text.'
  },
  'expressions-too-large': {
    severity: 'error',
    atAws:
      'What AWS IoT does with it is not known; the limits are far above the 10,240 characters of a body, the 4,096 of a value and the 2,048 of a policy document that it takes.',
    remedy: 'Nest fewer functions, and let none of them repeat a long text.'
  },
  'function-unknown': {
    severity: 'error',
    atAws: 'AWS IoT refuses the template.',
    remedy:
      'Use Ref; provisioning templates know no other functions than Join, Select, FindInMap, Split and Sub.'
  },
  'function-arguments-wrong': {
    severity: 'error',
    atAws: neverProvisioned,
    remedy: 'Give the arguments in the shape that is expected.'
  },
  'function-not-for-jitp': {
    severity: 'error',
    atAws:
      'Functions are documented for fleet provisioning only; whether just-in-time provisioning runs them is not known.',
    remedy: `Use Ref and literals. If a test account has shown that it works: ${switchNames('jitp.functions', 'accept')}.`
  },
  'function-accepted': {
    severity: 'warning',
    atAws: 'Functions are documented for fleet provisioning only; this template relies on more.',
    remedy: 'Prove it with one device in a test account before the line starts.'
  },
  'function-in-policy': {
    severity: 'error',
    atAws:
      'A policy is taken as it stands: Fn::Join is documented as unsupported there, and nothing inside a document is replaced.',
    remedy: 'Write the policy out and use policy variables such as ${iot:Connection.Thing.ThingName}.'
  },
  'function-in-mappings': {
    severity: 'error',
    atAws: 'Functions are not allowed inside Mappings.',
    remedy: 'Write the value out.'
  },
  'mappings-not-for-jitp': {
    severity: 'error',
    atAws: 'Mappings are documented for fleet provisioning only.',
    remedy: `Write the values into the template. To let it through: ${switchNames('jitp.functions', 'accept')}.`
  },
  'device-configuration-not-for-jitp': {
    severity: 'error',
    atAws:
      'A device that is provisioned just in time gets no answer: there is no channel for its configuration.',
    remedy: `Remove DeviceConfiguration. To let it through: ${switchNames('jitp.functions', 'accept')}.`
  },
  'map-key-missing': {
    severity: 'error',
    atAws: 'Provisioning fails where the map has no such key.',
    remedy: 'Add the key to Mappings.'
  },
  'select-out-of-range': {
    severity: 'error',
    atAws: 'Fn::Select does not check its index: provisioning fails.',
    remedy: 'Use an index that the list has, counted from 0.'
  },
  'subject-field-missing': {
    severity: 'error',
    atAws: 'A certificate without a declared parameter fails to provision, and the device is not told.',
    remedy: 'Put the field into the CSR.'
  },
  'subject-field-characters': {
    severity: 'error',
    atAws:
      'AWS IoT reads the subject as escaped text: these characters were seen to reach the template with a backslash before them.',
    remedy: `Leave the character out of the field. To let it through: ${switchNames('jitp.subjectCharacters', 'accept')}.`
  },
  'subject-rule-impossible': {
    severity: 'error',
    atAws: 'No certificate that the rule lets through can be provisioned.',
    remedy: 'Change the rule for the field, or what the template uses the field for.'
  },
  'subject-rule-risky': {
    severity: 'warning',
    atAws:
      'Some certificates that the rule lets through cannot be provisioned; Mintline refuses those one by one.',
    remedy: 'Narrow the rule for the field.'
  }
} as const satisfies Record<string, FindingEntry>
