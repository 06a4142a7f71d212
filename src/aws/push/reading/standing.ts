import { namedMost, type PushFacts } from './pushes.ts'

/** A pause of AWS or of the network that is shorter is nobody's concern. */
const failingAfterSeconds = 60
/** The job comes each minute. */
const idleAfterSeconds = 300
/** The answer is for a person. */
const mostNamed = 5

/** Whether AWS IoT can be told of revocations, everywhere, and takes them. What is still to be done counts as that. */
export function describeStanding(facts: readonly PushFacts[]): {
  readonly ok: boolean
  readonly detail: string
} {
  const troubles = facts.flatMap(each => {
    const trouble = troubleOf(each)
    return trouble === undefined ? [] : [`${placeOf(each)}: ${trouble}`]
  })
  if (troubles.length === 0) return { ok: true, detail: 'AWS IoT can be told of revocations' }
  const rest = troubles.length - mostNamed
  const more = rest > 0 ? `; and ${rest} more` : ''
  return { ok: false, detail: `${troubles.slice(0, mostNamed).join('; ')}${more}` }
}

function troubleOf(facts: PushFacts): string | undefined {
  const { waiting, refused, leftOut, failingSeconds, restedSeconds, overdueSeconds, lastError } = facts
  if (failingSeconds !== null && failingSeconds >= failingAfterSeconds)
    return `${countText(waiting)} revocations wait, since AWS cannot be told. ${lastError?.detail ?? ''}`.trim()
  if (overdueSeconds >= idleAfterSeconds && (restedSeconds ?? Infinity) >= idleAfterSeconds)
    return `${countText(waiting)} revocations wait, and nobody tells AWS. Look whether a process of the service does the background duties.`
  if (refused > 0)
    return `AWS refuses ${countText(refused)} revocations. GET /v1/aws-pushes?state=refused says why.`
  if (leftOut > 0)
    return `AWS cannot be told of ${leftOut} certificates that are revoked or on hold, since their months are detached. Attach these, or set them REVOKED there yourself.`
  return undefined
}

function countText(count: number): string {
  return count < namedMost ? String(count) : `${namedMost} or more`
}

function placeOf({ authority, region, accountAlias }: PushFacts): string {
  return `${authority} in ${region}${accountAlias === '' ? '' : ` (account ${accountAlias})`}`
}
