/** Makes a call, and rejects with the signal's reason as soon as that is aborted, whether the call heeds it or not. */
export async function untilAborted<Reply>(
  send: (abortSignal: AbortSignal) => Promise<Reply>,
  signal: AbortSignal
): Promise<Reply> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const giveUp = () => aborted.reject(signal.reason as Error)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    // Of AWS's SDK, what is on the wire alone heeds the signal; file systems that are away heed none.
    return await Promise.race([send(signal), aborted.promise])
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
