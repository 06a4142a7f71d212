/** Octets that were held against their rules by this process. They are never written to after that. */
const judged = new WeakSet<Uint8Array>()

/**
 * Holds the bytes that are to be signed against the rules for their kind, and remembers that they passed: these very
 * bytes, not equal ones. What comes back from the database is other bytes, and is judged again.
 *
 * @param judgement throws when they break a rule.
 * @returns what it found in them.
 */
export function judge<Result>(tbsDer: Uint8Array, judgement: (tbsDer: Uint8Array) => Result): Result {
  const result = judgement(tbsDer)
  judged.add(tbsDer)
  return result
}

/** As `judge`, of what takes long: others have their turns at each step of the judgement. Nobody writes to the bytes meanwhile. */
export async function judgeInSteps(
  tbsDer: Uint8Array,
  judgement: (tbsDer: Uint8Array) => Iterable<unknown>,
  giveWay: () => Promise<void>
): Promise<void> {
  const steps = judgement(tbsDer)[Symbol.iterator]()
  while (steps.next().done !== true) await giveWay()
  judged.add(tbsDer)
}

export function isJudged(tbsDer: Uint8Array): boolean {
  return judged.has(tbsDer)
}
