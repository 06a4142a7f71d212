import { encodeUtf8 } from '../../pki/der/octets.ts'
import type { TemplateOptions } from '../template/options.ts'

import { digestHex } from '#crypto'

/**
 * The name that AWS gives to a policy made from a document: 40 upper-case hex digits in the developer guide's
 * example. Which bytes are hashed, and how, is not documented, so that the answer is null unless switched on.
 */
export function predictPolicyName(policyDocument: string, options: TemplateOptions): string | null {
  if (options.generatedPolicyName !== 'sha1-of-document') return null
  return digestHex('sha1', encodeUtf8(policyDocument)).toUpperCase()
}
