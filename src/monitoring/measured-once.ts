import { whileUnderWay } from '../sources/while-under-way.ts'

/**
 * What several gauges are told of, asked once for all that are collected at the same moment. While it cannot be had, as where the
 * database is away, there is nothing: nobody knows.
 */
export function measuredOnce<Facts>(measure: () => Promise<readonly Facts[]>): typeof measure {
  return whileUnderWay(() => measure().catch(() => []))
}
