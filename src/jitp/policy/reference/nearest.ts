const longestCompared = 64

/**
 * The name that a misspelt one probably means, case apart: two changes of a character at most, and fewer than half of the
 * name, or the same words in another order. Undefined where none is near, and for texts of more than 64 characters.
 */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  if (given.length > longestCompared) return undefined
  const wanted = given.toLowerCase()
  const words = wordsOf(given)
  let nearest: string | undefined
  let least = Math.min(3, Math.ceil(lengthOfLast(wanted) / 2))
  for (const name of names) {
    if (words !== undefined && words === wordsOf(name)) return name
    if (Math.abs(name.length - given.length) >= least) continue
    const distance = editDistance(wanted, name.toLowerCase())
    if (distance < least) [nearest, least] = [name, distance]
  }
  return nearest
}

/** Of the part behind the service: `iot:` is not what makes two names alike. */
function lengthOfLast(name: string): number {
  return name.length - name.lastIndexOf(':') - 1
}

/** PublishRetain and RetainPublish have the same words. Undefined where there is one word alone. */
function wordsOf(name: string): string | undefined {
  const words = name.match(/[A-Z][a-z0-9]*/g)
  if (words === null || words.length < 2) return undefined
  return `${name.slice(0, name.indexOf(words[0])).toLowerCase()} ${words.sort().join(' ').toLowerCase()}`
}

/** Insertions, deletions, replacements, and neighbours that changed places. */
export function editDistance(one: string, other: string): number {
  let before: number[] = []
  let above = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1]
      const isSwapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      current.push(
        Math.min(
          (above[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (above[column - 1] ?? 0) + (isSame ? 0 : 1),
          isSwapped ? (before[column - 2] ?? 0) + 1 : Infinity
        )
      )
    }
    ;[before, above] = [above, current]
  }
  return above[other.length] ?? 0
}
