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

export const logsAreOff =
  'AWS IoT writes no logs in this account and region: where it does not provision a device, nothing tells why. ' +
  'Turn them on with `aws iot set-v2-logging-options --role-arn ROLE --default-log-level ERROR`, whose role may write to CloudWatch Logs.'
