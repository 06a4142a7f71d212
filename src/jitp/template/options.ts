import type { SubjectField } from '../../pki/name/subject-field.ts'
import type { RegistrationPlace } from './registration-place.ts'

/** What certificates can carry in one field, as far as a profile narrows it. */
interface SubjectFieldValues {
  readonly values?: readonly string[]
  /** RE2 syntax, matched against the whole value. */
  readonly pattern?: string
}

/**
 * Switches for what AWS leaves open or contradicts itself on; every default is the safe side. `docs/jitp.md`
 * lists them.
 */
export interface TemplateOptions {
  /** What AWS::IoT::Certificate::SerialNumber stands for. No default: a template that uses it needs it. */
  readonly serialNumberSource?: 'subject' | 'certificate'
  /** Fn::*, Mappings and DeviceConfiguration, which are documented for fleet provisioning only. Default `refuse`. */
  readonly functions?: 'refuse' | 'accept'
  /** Whether `Default` stands in for a field that the certificate lacks. Default false. */
  readonly defaultsFillAbsentFields?: boolean
  /** Values with characters that RFC 4514 escapes, in fields that the template uses. Default `refuse`. */
  readonly subjectCharacters?: 'refuse' | 'accept'
  /** How AWS forms the name of a policy given by document. Default `unknown`: none is predicted. */
  readonly generatedPolicyName?: 'unknown' | 'sha1-of-document'
  /** Whether AWS::IoT::Certificate::Id has its value without a declaration under Parameters. Default `refuse`. */
  readonly undeclaredCertificateId?: 'refuse' | 'accept'
  /**
   * Where the template is registered, as far as it is known. A registration config names a role, which is in the account
   * and partition of the registration, and need not be told.
   */
  readonly registeredAt?: RegistrationPlace
  /** What a profile lets certificates carry; values that could never be provisioned are then reported. */
  readonly subjectCouldBe?: (field: SubjectField) => SubjectFieldValues | undefined
}

/** The switches alone, which a user can set. */
export type TemplateSwitches = Omit<TemplateOptions, 'subjectCouldBe' | 'registeredAt'>
