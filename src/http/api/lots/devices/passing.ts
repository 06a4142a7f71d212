/** The longest private key that is found has as many octets: RSA of 16,384 bits, in PEM. */
const heldBytes = 16_384

/**
 * Passes on a body that is read as it comes, each part once `look` has seen what follows it: so what is looked for is found
 * whole, in whatever pieces it comes, before any of it is passed on. The error of the body comes behind what came before it.
 *
 * @throws what `look` throws, and what the body fails with.
 */
export async function* passLooking(
  chunks: AsyncIterable<Uint8Array>,
  look: (bytes: Uint8Array) => Promise<void>
): AsyncGenerator<Uint8Array> {
  let failure: { readonly error: unknown } | undefined
  const safely = async function* () {
    try {
      yield* chunks
    } catch (error) {
      failure = { error }
    }
  }
  let held: Uint8Array = Buffer.alloc(0)
  let fresh: Uint8Array[] = []
  let freshBytes = 0
  const lookAtAll = async () => {
    held = Buffer.concat([held, ...fresh])
    fresh = []
    freshBytes = 0
    if (held.length > 0) await look(held)
  }
  for await (const chunk of safely()) {
    fresh.push(chunk)
    freshBytes += chunk.length
    // Not with each octet: all that is held is gone through.
    if (freshBytes < heldBytes) continue
    await lookAtAll()
    const passed = held.subarray(0, held.length - heldBytes)
    held = held.subarray(passed.length)
    if (passed.length > 0) yield passed
  }
  await lookAtAll()
  if (held.length > 0) yield held
  if (failure !== undefined) throw failure.error
}
