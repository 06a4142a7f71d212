import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { answerTimeoutMs, createReceiver, type Outcome } from './receiver.ts'

export interface SampleDependencies {
  readonly url: string
  readonly allowsPrivate: boolean
  readonly key: Uint8Array
  readonly version: string
  /** This machine's: the command knows no other. */
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** The source of what tells no fact. */
const noSource = 'urn:uuid:00000000-0000-0000-0000-000000000000'

/** Sends one signed event that tells nothing, outside of the line. */
export async function sendSample(dependencies: SampleDependencies): Promise<Outcome> {
  const { clock, randomBytes } = dependencies
  const now = clock()
  const id = newId(now, randomBytes)
  const sample = {
    specversion: '1.0',
    id,
    source: noSource,
    type: 'mintline.webhook.test',
    subject: 'webhook/test',
    time: now.toISOString(),
    datacontenttype: 'application/json',
    data: { message: 'A sample that `mintline webhook test` sent. Nothing has happened.' }
  }
  const readTime = async () => now
  const receiver = createReceiver({ ...dependencies, timeoutMs: answerTimeoutMs, readTime })
  return receiver.send(id, [sample], new AbortController().signal)
}
