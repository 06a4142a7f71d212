import { writeFile } from 'node:fs/promises'
import { quoteForShell } from '../../config/shell.ts'
import {
  createIotStandIn,
  type IotStandIn,
  type IotStandInOptions
} from '../../rehearsal/iot/iot-stand-in.ts'
import type { ProvisioningLogEntry } from '../../rehearsal/iot/records.ts'
import { type CommandIo, parseFlags, rateOf, untilStopped, UsageError, wholeNumberOf } from '../command.ts'
import { awsFunction } from './aws-function.ts'

export const rehearsalAwsUsage = `usage: mintline rehearse aws [--port N] [--mqtt-port N] [--ca-out FILE] [--state FILE]
                             [--region NAME] [--account ID] [--provisioning-delay-ms N] [--latency-ms N] [--throttle-rate P]

Runs a stand-in of AWS IoT Core on this machine: its API, and the MQTT endpoint that registers and provisions devices
just in time. What happens to a device, and why, is printed as it happens.

--port                   where the API listens; 4598 without it, 0 takes a free one
--mqtt-port              where devices connect; 8883 without it, 0 takes a free one
--ca-out                 where the root goes that devices must trust, PEM; it can be fetched as well
--state                  a file where everything outlives the stand-in, in the clear
--region                 us-east-1 without it
--account                111122223333 without it
--provisioning-delay-ms  from the first connection of a device to its provisioning, about; 1500 without it
--latency-ms             how long each reply of the API waits
--throttle-rate          the share of API requests that are throttled, 0 to 1
`

interface RehearsalSettings extends IotStandInOptions {
  readonly caFile: string | undefined
}

/**
 * Runs the stand-in of AWS IoT Core until `stopped` resolves: see `untilStopped`, when it is not given.
 *
 * @throws UsageError, also for a port that is taken, and a file that cannot be read or written.
 */
export async function runRehearsalAws(
  io: CommandIo,
  args: readonly string[],
  stopped: Promise<unknown> = untilStopped(io)
): Promise<number> {
  const settings = parseSettings(args)
  const onLog = (entry: ProvisioningLogEntry) => io.write(`${formatLogEntry(entry)}\n`)
  await using stops = new AsyncDisposableStack()
  const standIn = await createIotStandIn({ ...settings, onLog }).catch(refuse)
  stops.defer(() => standIn.stop())
  if (settings.caFile !== undefined) await writeFile(settings.caFile, standIn.serverCaPem).catch(refuse)
  io.write(greeting(standIn, settings.caFile))
  await stopped
  return 0
}

function refuse(error: unknown): never {
  throw error instanceof Error ? new UsageError(error.message) : error
}

function parseSettings(args: readonly string[]): RehearsalSettings {
  const text = { type: 'string' } as const
  const values = parseFlags(args, {
    port: text,
    'mqtt-port': text,
    'ca-out': text,
    state: text,
    region: text,
    account: text,
    'provisioning-delay-ms': text,
    'latency-ms': text,
    'throttle-rate': text
  })
  const { account } = values
  if (account !== undefined && !/^\d{12}$/.test(account)) throw new UsageError('--account has twelve digits')
  return {
    port: wholeNumberOf('--port', values.port ?? '4598', 65_535),
    mqttPort: wholeNumberOf('--mqtt-port', values['mqtt-port'] ?? '8883', 65_535),
    caFile: values['ca-out'],
    stateFile: values.state,
    region: values.region,
    accountId: account,
    provisioningDelayMs: wholeNumberOf(
      '--provisioning-delay-ms',
      values['provisioning-delay-ms'] ?? '1500',
      600_000
    ),
    faults: {
      latencyMs: wholeNumberOf('--latency-ms', values['latency-ms'] ?? '0', 600_000),
      throttleRate: rateOf('--throttle-rate', values['throttle-rate'] ?? '0')
    }
  }
}

function formatLogEntry({ at, eventType, outcome, ...details }: ProvisioningLogEntry): string {
  const { errorCode = '', reason, ...subject } = details
  const names = Object.entries(subject).map(([name, value]) => `${name}=${value}`)
  const words = [new Date(at).toISOString(), eventType, outcome, errorCode, ...names].filter(
    word => word !== ''
  )
  return reason === undefined ? words.join(' ') : `${words.join(' ')}\n  ${reason}`
}

function greeting(standIn: IotStandIn, caFile = 'root.pem'): string {
  const { controlUrl, endpointAddress, mqttPort, roleArn, registry } = standIn
  return `The stand-in of AWS IoT Core listens on ${controlUrl} for its API, and on ${endpointAddress}:${mqttPort} for devices

Point an AWS SDK at it (any credentials will do), and the AWS CLI of whatever version:

  export AWS_ENDPOINT_URL_IOT=${controlUrl} AWS_ENDPOINT_URL_IAM=${controlUrl}
  export AWS_REGION=${registry.region} AWS_DEFAULT_REGION=${registry.region}
  export AWS_ACCESS_KEY_ID=rehearsal AWS_SECRET_ACCESS_KEY=rehearsal
  ${awsFunction(controlUrl)}

A role for just-in-time provisioning is there:

  ${roleArn}

Let a device connect, twice: the first connection provisions it and is closed.

  curl -sS ${controlUrl}/rehearsal/root.pem -o ${quoteForShell(caFile)}
  mosquitto_pub --cafile ${quoteForShell(caFile)} --cert device-and-ca.pem --key device.key \\
    -h ${endpointAddress} -p ${mqttPort} -q 1 -i THING_NAME -t TOPIC -m Hello -d

Let the API fail on purpose, and see what became of the devices:

  curl -X PUT ${controlUrl}/rehearsal/faults -d '{"throttleRate":0.05,"latencyMs":50}'
  curl ${controlUrl}/rehearsal/log

`
}
