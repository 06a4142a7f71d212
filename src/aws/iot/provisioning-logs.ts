import { GetV2LoggingOptionsCommand, type IoTClient } from '@aws-sdk/client-iot'
import { isAwsError } from '../../aws-client/failure.ts'

/**
 * Whether AWS IoT writes to CloudWatch why it did not provision a device: it tells so nowhere else.
 * Rejects as the SDK does.
 */
export async function areLogsOn(client: IoTClient, abortSignal: AbortSignal): Promise<boolean> {
  try {
    const reply = await client.send(new GetV2LoggingOptionsCommand({}), { abortSignal })
    return reply.disableAllLogs !== true && reply.defaultLogLevel !== 'DISABLED'
  } catch (error) {
    if (isAwsError(error, 'NotConfiguredException')) return false
    throw error
  }
}
