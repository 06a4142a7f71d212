import { editDistance } from '../../jitp/policy/reference/nearest.ts'

const most = 3
const longest = 64

/** Of the known names those that may have been meant: few slips of the pen away, or with a part in common. Upper and lower case are the same. */
export function findNearest(name: string, known: readonly string[]): readonly string[] {
  const meant = name.slice(0, longest).toLowerCase()
  return known
    .map(each => ({ each, distance: distanceOf(meant, each.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(meant.length / 4)))
    .sort((one, other) => one.distance - other.distance)
    .slice(0, most)
    .map(({ each }) => each)
}

/** To the name, or to a part of it that a dot sets off; 1 at the least where one stands within the other. */
function distanceOf(meant: string, known: string): number {
  const parts = known.includes('.') ? known.split('.') : []
  const distances = [known, ...parts].map(part => editDistance(meant, part))
  const isWithin = (short: string, long: string) => short.length >= 4 && long.includes(short)
  return Math.min(...distances, isWithin(meant, known) || isWithin(known, meant) ? 1 : Infinity)
}
