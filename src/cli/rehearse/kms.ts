import type { KmsFaults } from '../../rehearsal/kms/faults.ts'
import { createKmsStandIn, type KmsStandIn } from '../../rehearsal/kms/kms-stand-in.ts'
import { type CommandIo, parseFlags, rateOf, untilStopped, UsageError, wholeNumberOf } from '../command.ts'
import { awsFunction } from './aws-function.ts'

export const rehearsalKmsUsage = `usage: mintline rehearse kms [--port N] [--state FILE] [--region NAME] [--latency-ms N] [--throttle-rate P]

Runs a stand-in of AWS KMS on this machine, with real keys that protect nothing. When it has no key yet, it makes one.

--port           where it listens; 4599 without it, 0 takes a free one
--state          a file where the keys outlive the stand-in, in the clear
--region         the region in the ARNs of the keys; us-east-1 without it
--latency-ms     how long each reply waits
--throttle-rate  the share of requests that are throttled, 0 to 1
`

interface RehearsalSettings {
  readonly port: number
  readonly region: string
  readonly stateFile: string | undefined
  readonly faults: Partial<KmsFaults>
}

/**
 * Runs the stand-in of AWS KMS until `stopped` resolves: see `untilStopped`, when it is not given.
 *
 * @throws UsageError, also for a port that is taken or a state file that is not one.
 */
export async function runRehearsalKms(
  io: CommandIo,
  args: readonly string[],
  stopped: Promise<unknown> = untilStopped(io)
): Promise<number> {
  const standIn = await startStandIn(parseSettings(args))
  io.write(greeting(standIn))
  await stopped
  await standIn.stop()
  return 0
}

async function startStandIn(settings: RehearsalSettings): Promise<KmsStandIn> {
  try {
    const standIn = await createKmsStandIn(settings)
    if (standIn.keyArns().length === 0) await standIn.createKey('ECC_NIST_P256')
    return standIn
  } catch (error) {
    throw error instanceof Error ? new UsageError(error.message) : error
  }
}

function parseSettings(args: readonly string[]): RehearsalSettings {
  const text = { type: 'string' } as const
  const options = { port: text, state: text, region: text, 'latency-ms': text, 'throttle-rate': text }
  const values = parseFlags(args, options)
  return {
    port: wholeNumberOf('--port', values.port ?? '4599', 65_535),
    region: values.region ?? 'us-east-1',
    stateFile: values.state,
    faults: {
      latencyMs: wholeNumberOf('--latency-ms', values['latency-ms'] ?? '0', 600_000),
      throttleRate: rateOf('--throttle-rate', values['throttle-rate'] ?? '0')
    }
  }
}

function greeting({ url, region, keyArns }: KmsStandIn): string {
  return `The stand-in of AWS KMS listens on ${url}

Point an AWS SDK at it (any credentials will do), and the AWS CLI of whatever version:

  export AWS_ENDPOINT_URL_KMS=${url} AWS_REGION=${region} AWS_DEFAULT_REGION=${region}
  export AWS_ACCESS_KEY_ID=rehearsal AWS_SECRET_ACCESS_KEY=rehearsal
  ${awsFunction(url)}

Its keys:

  ${keyArns().join('\n  ')}

Make another one:

  aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY --query KeyMetadata.Arn --output text

Let it fail on purpose, and see what was signed:

  curl -X PUT ${url}/rehearsal/faults -d '{"throttleRate":0.05,"latencyMs":50}'
  curl ${url}/rehearsal/signatures

`
}
