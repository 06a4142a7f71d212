import { createZone, parseTime, utc } from '../../sources/site/zone.ts'

/** What a list is asked for, by the names of its query. */
export type Filter = ReadonlyMap<string, readonly string[]>

/** As the service reads it, which knows the zone where this Node.js may not; invalid where it is not there. */
export function timeOf(filter: Filter, name: 'from' | 'to'): Date {
  const [text = ''] = filter.get(name) ?? []
  const [zone] = filter.get('zone') ?? []
  return parseTime(text, (zone === undefined ? utc : createZone(zone)) ?? utc)
}
