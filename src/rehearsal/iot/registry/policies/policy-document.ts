import { IotRefusal } from '../../iot-refusal.ts'
import { findDocumentMistake } from '../../policy/policy-document.ts'

/** Throws `MalformedPolicyException` for what AWS IoT does not take as the document of a policy. */
export function assertPolicyDocument(policyDocument: string): void {
  const mistake = findDocumentMistake(policyDocument)
  if (mistake !== undefined)
    throw new IotRefusal('MalformedPolicyException', `The document is malformed: ${mistake}.`)
}
