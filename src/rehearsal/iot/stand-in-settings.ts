/**
 * How the stand-in behaves where AWS has not said how AWS IoT does. Each default is what was observed, or else the
 * stricter reading.
 */
export interface StandInSettings {
  /** What `AWS::IoT::Certificate::SerialNumber` is: the certificate's number in decimal, or the subject's 2.5.4.5. */
  readonly serialNumberSource: 'certificate' | 'subject'
  /** What a parameter is worth when the subject has its attribute more than once. */
  readonly multipleValues: 'refuse' | 'first'
  /** Whether subject values reach the template with the backslashes of RFC 4514. */
  readonly subjectCharacters: 'escape' | 'keep'
  /** What a resource that exists already meets when the template does not say. */
  readonly absentOverride: 'DO_NOTHING' | 'REPLACE' | 'FAIL'
  /** Which bytes of a policy document name its policy: as given, or without white space between tokens. */
  readonly generatedPolicyName: 'sha1-of-document' | 'sha1-of-compact-document'
  /** `Fn::*` and `Mappings`, which are documented for fleet provisioning alone. */
  readonly intrinsicFunctions: 'refuse' | 'evaluate'
  /** Whether `AWS::IoT::Certificate::Id` has its value in a template that does not declare it. */
  readonly undeclaredCertificateId: 'refuse' | 'accept'
  /** Several registered CAs have the issuer's name and the device shows its own certificate alone. */
  readonly sameSubjectWithoutChain: 'refuse' | 'by-signature'
  /** A second CONNECT of one client id within a second. It is logged in either case. */
  readonly frequentConnect: 'allow' | 'close'
}

export const defaultStandInSettings: StandInSettings = {
  serialNumberSource: 'certificate',
  multipleValues: 'refuse',
  subjectCharacters: 'escape',
  absentOverride: 'DO_NOTHING',
  generatedPolicyName: 'sha1-of-document',
  intrinsicFunctions: 'refuse',
  undeclaredCertificateId: 'refuse',
  sameSubjectWithoutChain: 'refuse',
  frequentConnect: 'allow'
}
