import { CreateKeyCommand, type KeySpec, type KeyUsageType, KMSClient } from '@aws-sdk/client-kms'
import type { KmsStandIn } from '../../../src/rehearsal/kms/kms-stand-in.ts'

/** Any credentials do: the stand-in checks the form of the header alone. */
export const rehearsalCredentials = {
  AWS_ACCESS_KEY_ID: 'AKIDREHEARSAL',
  AWS_SECRET_ACCESS_KEY: 'rehearsal'
}

/** The real SDK client, told to send each request once. */
export function createRehearsalClient({ url, region }: Pick<KmsStandIn, 'url' | 'region'>): KMSClient {
  return new KMSClient({
    endpoint: url,
    region,
    maxAttempts: 1,
    credentials: {
      accessKeyId: rehearsalCredentials.AWS_ACCESS_KEY_ID,
      secretAccessKey: rehearsalCredentials.AWS_SECRET_ACCESS_KEY
    }
  })
}

/** Makes a key and answers with its ARN. */
export async function createKey(
  client: KMSClient,
  keySpec: KeySpec,
  keyUsage: KeyUsageType = 'SIGN_VERIFY'
): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec: keySpec, KeyUsage: keyUsage }))
  return KeyMetadata!.Arn!
}
