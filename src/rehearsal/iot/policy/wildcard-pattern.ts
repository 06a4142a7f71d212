/** Code units to be met in turn; the two wildcards are below zero. */
export type WildcardPattern = readonly number[]

const anyRun = -1
const anyOne = -2

/**
 * Reads a pattern of a policy: `*` stands for any run of characters, `?` for any one, `${name}` for the value of a
 * variable, in which `*` and `?` are characters like others. `${*}`, `${?}` and `${$}` are these characters.
 *
 * @returns undefined where a variable has no value.
 */
export function parseWildcardPattern(
  text: string,
  variables: ReadonlyMap<string, string>,
  wildcards: 'special' | 'literal' = 'special'
): WildcardPattern | undefined {
  const pattern: number[] = []
  for (const part of text.split(/(\$\{[^}]*\})/)) {
    const name = /^\$\{([^}]*)\}$/.exec(part)?.[1]
    if (name === undefined) pattern.push(...codeUnitsOf(part, wildcards))
    else {
      const value = ['*', '?', '$'].includes(name) ? name : variables.get(name)
      if (value === undefined) return undefined
      pattern.push(...codeUnitsOf(value, 'literal'))
    }
  }
  return pattern
}

function codeUnitsOf(text: string, wildcards: 'special' | 'literal'): number[] {
  return Array.from({ length: text.length }, (_, index) => {
    if (wildcards === 'special' && text[index] === '*') return anyRun
    if (wildcards === 'special' && text[index] === '?') return anyOne
    return text.charCodeAt(index)
  })
}

/** Whether the pattern is met by the whole of the text. In time proportional to the product of their lengths. */
export function matchesPattern(pattern: WildcardPattern, text: string): boolean {
  let [at, inText] = [0, 0]
  // Where to go back to: behind the last run, which then takes one character more.
  let [afterRun, runEnd] = [-1, 0]
  while (inText < text.length) {
    if (pattern[at] === anyRun) [afterRun, runEnd] = [++at, inText]
    else if (pattern[at] === anyOne || pattern[at] === text.charCodeAt(inText)) {
      at++
      inText++
    } else if (afterRun >= 0) [at, inText] = [afterRun, ++runEnd]
    else return false
  }
  while (pattern[at] === anyRun) at++
  return at === pattern.length
}
