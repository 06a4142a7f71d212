import type { FleetPlace } from './fleet.ts'

/** The answer is for a person. */
const mostNamed = 5

/** Whether somebody is to look at the fleet: alarms that nobody has acknowledged, and looks that do not go through. */
export function describeFleet(places: readonly FleetPlace[]): {
  readonly ok: boolean
  readonly detail: string
} {
  const troubles = places.flatMap(place => {
    const trouble = troubleOf(place)
    return trouble === undefined ? [] : [`${placeOf(place)}: ${trouble}`]
  })
  if (troubles.length === 0) return { ok: true, detail: 'no alarms of the fleet' }
  const rest = troubles.length - mostNamed
  const more = rest > 0 ? `; and ${rest} more` : ''
  return { ok: false, detail: `${troubles.slice(0, mostNamed).join('; ')}${more}` }
}

function troubleOf({ openAlarms, lastError, isStuck }: FleetPlace): string | undefined {
  if (openAlarms > 0)
    return `${openAlarms} alarms: somebody else may have used the key of the CA. GET /v1/fleet/findings?alarms=open lists them.`
  if (isStuck && lastError === null)
    return 'a look at the fleet has not gone on for two hours. The log of the jobs fleet.run and fleet.judge says why; after twelve hours it is ended.'
  return lastError === null ? undefined : `a look at the fleet does not go through. ${lastError.detail}`
}

function placeOf({ authority, region, accountAlias }: FleetPlace): string {
  if (region === null) return authority
  return `${authority} in ${region}${accountAlias ? ` (account ${accountAlias})` : ''}`
}
