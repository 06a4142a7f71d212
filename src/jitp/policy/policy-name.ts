import { createHash } from 'node:crypto'
import type { TemplateOptions } from '../template/options.ts'

/**
 * The name that AWS gives to a policy made from a document: 40 upper-case hex digits in the developer guide's
 * example. Which bytes are hashed, and how, is not documented, so that the answer is null unless switched on.
 */
export function predictPolicyName(policyDocument: string, options: TemplateOptions): string | null {
  if (options.generatedPolicyName !== 'sha1-of-document') return null
  return createHash('sha1').update(policyDocument, 'utf8').digest('hex').toUpperCase()
}
