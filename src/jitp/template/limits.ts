/**
 * What a template may ask of whoever evaluates it. All of it is far above what AWS takes, so that only templates that
 * could not be provisioned meet a limit: a body has 10,240 characters at most, into which 3,400 parts fit; a value of a
 * parameter has 4,096 and a policy document 2,048 at most. docs/jitp.md names the limits.
 */
export const limits = {
  /** Characters of a body that is still looked at, to say what else is wrong with it. */
  bodyLength: 65_536,
  /** Functions within functions. */
  functionDepth: 16,
  /** Places in all expressions of a template where a part stands. */
  parts: 5_000,
  /** Characters of one text, also of those that only go into another one. */
  textLength: 16_384,
  /** Characters of all texts that are made for one certificate. */
  totalLength: 262_144
} as const
