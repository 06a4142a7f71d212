/** Where AWS IoT, what the template names there, or the role in IAM differs from what is asked for. */
export interface Drift {
  readonly field: string
  /** Of a template: the place in its body, a JSON Pointer (RFC 6901); `#` leads into a document in a string. */
  readonly pointer?: string
  readonly expected: string
  readonly found: string
}

/** What came of looking at something in the account that provisioning needs. */
export interface Examination {
  /** What keeps every device from being provisioned. */
  readonly drift: readonly Drift[]
  /** What can be told besides: what AWS may turn out to need, or what could not be read. */
  readonly notes: readonly string[]
}
