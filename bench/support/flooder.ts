/** A process of its own that floods a target on request, so that what it costs to flood is not in what is measured. */
import { setPriority } from 'node:os'
import type { Target } from './load.ts'
import { drivePaced, type Pace } from './paced.ts'
import { makeRequests } from './requests.ts'

export interface Flood {
  readonly name: string
  readonly target: Target
  readonly body: 'csr' | 'forged' | 'large' | 'none'
  readonly pace: Pace
}

/** What was sent, and what came. */
export interface Flooded {
  readonly perSecond: number
  readonly statuses: Readonly<Record<string, number>>
}

const largeBytes = 200_000

function bodiesOf({ body, name, pace }: Flood): readonly Buffer[] {
  switch (body) {
    case 'csr':
      return makeRequests(pace.perSecond * pace.seconds, name)
    case 'forged':
      return makeRequests(500, name).map(withBrokenSignature)
    case 'large':
      return [Buffer.alloc(largeBytes, 'x')]
    case 'none':
      return [Buffer.alloc(0)]
  }
}

/** The signature over another subject: read in full, and refused after it was verified. */
function withBrokenSignature(der: Buffer): Buffer {
  const other = Buffer.from(der)
  const at = other.indexOf('bench-')
  other[at] = 'B'.charCodeAt(0)
  return other
}

// Whoever floods is elsewhere, and its processor is not the service's.
setPriority(10)
process.on('message', (flood: Flood) => void run(flood))

async function run(flood: Flood): Promise<void> {
  const bodies = bodiesOf(flood)
  process.send!('ready')
  const { statuses, seconds } = await drivePaced(flood.target, bodies, flood.pace)
  const count = [...statuses.values()].reduce((sum, each) => sum + each, 0)
  process.send!({ perSecond: count / seconds, statuses: Object.fromEntries(statuses) } satisfies Flooded)
}
