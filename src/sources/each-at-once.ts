/**
 * Asks of each, `atOnce` of them at once, and waits for all that are under way when one fails. Answers are in the order of the items.
 *
 * @throws what the first that failed threw.
 */
export async function eachAtOnce<Item, Answer>(
  items: readonly Item[],
  atOnce: number,
  ask: (item: Item) => Promise<Answer>
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  let next = 0
  let trouble: { readonly cause: unknown } | undefined
  async function work(): Promise<void> {
    while (next < items.length && trouble === undefined) {
      const index = next++
      try {
        answers[index] = await ask(items[index]!)
      } catch (cause) {
        trouble ??= { cause }
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  if (trouble !== undefined) throw trouble.cause
  return answers
}
