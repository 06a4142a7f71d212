/**
 * What several gauges are told of, asked once for all that are collected at the same moment. While it cannot be had, as where the
 * database is away, there is nothing: nobody knows.
 */
export function measuredOnce<Facts>(measure: () => Promise<readonly Facts[]>): typeof measure {
  let measuring: Promise<readonly Facts[]> | undefined
  return () =>
    (measuring ??= measure()
      .catch(() => [])
      .finally(() => (measuring = undefined)))
}
