import type { FindingEntry } from './finding-entry.ts'

/** Findings about AWS::IoT::Certificate, which tells what kind of provisioning a template is for. */
export const certificateFindings = {
  'fleet-template': {
    severity: 'error',
    atAws:
      'Just-in-time provisioning fills eight parameters from the certificate and no others, and answers nothing: every provisioning fails.',
    remedy:
      'Take each value from the certificate instead: declare parameters AWS::IoT::Certificate::…, name the thing by CommonName, write fixed values out, and remove DeviceConfiguration and Mappings. To go on with fleet provisioning, no CA needs to be registered for it.'
  },
  'bulk-template': {
    severity: 'error',
    atAws:
      'Just-in-time provisioning fills eight parameters from the certificate that connects and no others: every provisioning fails.',
    remedy:
      'Write "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"} in place of the CSR or the PEM, declare AWS::IoT::Certificate::Id, and take the other values from the subject (AWS::IoT::Certificate::CommonName).'
  },
  'certificate-missing': {
    severity: 'error',
    atAws: 'Nothing activates the certificate that connected: the device never gets in.',
    remedy: 'Add a resource of type AWS::IoT::Certificate with the CertificateId and Status ACTIVE.'
  },
  'certificate-repeated': {
    severity: 'error',
    atAws: 'A template provisions one certificate; what AWS does with a second one is not known.',
    remedy: 'Keep one.'
  },
  'certificate-id-missing': {
    severity: 'error',
    atAws: 'AWS IoT does not know which certificate is meant and refuses the template.',
    remedy: 'Write "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}.'
  },
  'certificate-id-not-ref': {
    severity: 'error',
    atAws: 'Just-in-time provisioning works on the certificate that connected and on no other.',
    remedy: 'Write "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}.'
  },
  'certificate-form-not-for-jitp': {
    severity: 'error',
    atAws: 'The CSR and PEM forms belong to bulk and single-thing provisioning.',
    remedy: 'Remove it and write "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}.'
  },
  'certificate-status-missing': {
    severity: 'note',
    atAws: 'The status is ACTIVE by default.',
    remedy: 'Write "Status": "ACTIVE", so that the reader need not know that.'
  },
  'certificate-status-unknown': {
    severity: 'error',
    atAws: 'AWS IoT refuses the template.',
    remedy: 'Write "Status": "ACTIVE".'
  },
  'certificate-status-case': {
    severity: 'note',
    atAws: 'The API knows upper case only, though examples of AWS print it otherwise.',
    remedy: 'Write it in upper case; `mintline template export` does.'
  },
  'certificate-not-active': {
    severity: 'error',
    atAws: 'The device is provisioned with a certificate that cannot connect.',
    remedy: 'Write "Status": "ACTIVE".'
  },
  'certificate-override-fails': {
    severity: 'error',
    atAws:
      'The certificate always exists when the template runs, as PENDING_ACTIVATION: FAIL fails every time.',
    remedy: 'Write "OverrideSettings": {"Status": "REPLACE"}.'
  },
  'principal-type-unknown': {
    severity: 'error',
    atAws: 'AWS IoT refuses the template.',
    remedy: 'Use EXCLUSIVE_THING or NON_EXCLUSIVE_THING.'
  }
} as const satisfies Record<string, FindingEntry>
