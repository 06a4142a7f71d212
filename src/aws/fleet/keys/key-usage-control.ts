import { GetKeyLastUsageCommand, KMSClient } from '@aws-sdk/client-kms'
import { clientSettings, withinTime } from '../../../aws-client/client-settings.ts'
import { awsFailure } from '../../../aws-client/failure.ts'
import type { KmsReference } from '../../../signing/signers/signer-reference.ts'

/** The last use of a key as KMS has recorded it. */
export interface KeyUsage {
  readonly usedAt: Date
  /** As KMS names it, e.g. Sign. */
  readonly operation: string | undefined
  readonly cloudTrailEventId: string | undefined
}

/**
 * Undefined where KMS has seen no use since it records them.
 *
 * @param stopping ends the call with its reason.
 * @throws MintlineError `aws_refused`, `aws_unavailable`.
 */
export async function readKeyUsage(
  { keyId, region }: KmsReference,
  stopping: AbortSignal
): Promise<KeyUsage | undefined> {
  const client = new KMSClient(clientSettings({ accountAlias: '', region }))
  try {
    const command = new GetKeyLastUsageCommand({ KeyId: keyId })
    const reply = await withinTime(abortSignal => client.send(command, { abortSignal }), stopping)
    const { Timestamp: usedAt, Operation: operation, CloudTrailEventId } = reply.KeyLastUsage ?? {}
    return usedAt && { usedAt, operation, cloudTrailEventId: CloudTrailEventId }
  } catch (error) {
    throw awsFailure(error, 'kms:GetKeyLastUsage')
  } finally {
    client.destroy()
  }
}
