declare const durable: unique symbol

/**
 * What is committed to the database. Nothing else is ever handed to a CA key: after a crash every serial number that
 * was signed, or was about to be, is explained.
 */
export type Durable<Committed extends object> = Committed & { readonly [durable]: true }

/** Those that a store vouched for: a cast makes the type, and not this. */
const committed = new WeakSet<object>()

/** For stores alone, of what their transaction has just committed or read back; a test holds the rest of the code to it. */
export function vouchDurable<Committed extends object>(value: Committed): Durable<Committed> {
  committed.add(value)
  return value as Durable<Committed>
}

/** @throws TypeError when no store vouched for it: a fault of the program, which must not cost a signature. */
export function assertDurable(value: object): void {
  if (!committed.has(value)) throw new TypeError('Only what a store has committed is signed')
}
