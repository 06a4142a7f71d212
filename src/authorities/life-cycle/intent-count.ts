/** How many intents name a generation. */
export interface IntentCount {
  readonly atLeast: number
  /** Whether there are no more than that. */
  readonly isExact: boolean
}

/** Where counting ends: a generation may have issued a thousand million times, and a look at it must stay cheap. */
export const maximumIntentCount = 10_000

/** @param found how many there were when counting ended one beyond the maximum. */
export function intentCountOf(found: number): IntentCount {
  return { atLeast: Math.min(found, maximumIntentCount), isExact: found <= maximumIntentCount }
}
