const day = 86_400_000
/** A clock that is behind by this much is taken for one that is right, at the most. */
const mostDays = 90
const line = /^(export const builtAt = new Date\(')[^']*('\))$/m

/** @returns the source of version.ts with the moment in it, to the day. */
export function stamp(source: string, moment: Date): string {
  if (!line.test(source)) throw new Error('src/config/version.ts has no line for builtAt.')
  return source.replace(line, `$1${moment.toISOString().slice(0, 10)}T00:00:00Z$2`)
}

/** @returns what is wrong with the moment, beside the newest commit; undefined where nothing is. */
export function faultOf(builtAt: Date, newestCommit: Date): string | undefined {
  const daysBehind = Math.floor((newestCommit.getTime() - builtAt.getTime()) / day)
  if (daysBehind >= 0 && daysBehind <= mostDays) return undefined
  const whichIs = daysBehind < 0 ? 'which is before it' : `${daysBehind} days later; at most are ${mostDays}`
  return `builtAt in src/config/version.ts is ${builtAt.toISOString()}, the newest commit of ${newestCommit.toISOString()}, ${whichIs}. Run: npm run built-at`
}
