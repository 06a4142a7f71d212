/** Shares a read with all who ask for it while it is under way. They may be told of what was so a moment before they asked. */
export function whileUnderWay<Facts>(read: () => Promise<Facts>): () => Promise<Facts> {
  let reading: Promise<Facts> | undefined
  return () => (reading ??= read().finally(() => (reading = undefined)))
}
