const atom = /\[(?:\\.|[^\]\\])*\]|\\.|[^\\]/gu
const quantifier = /^\{(\d{1,4})(?:,(\d{0,4}))?\}$/

/**
 * How long the longest text is that a pattern matches as a whole. Undefined where there is no end to it, and for patterns
 * with groups or alternatives, which are not looked into.
 */
export function longestMatch(pattern: string): number | undefined {
  const plain = pattern.replaceAll(/\[(?:\\.|[^\]\\])*\]|\\./gu, 'x')
  if (/[|()*+]|\{\d*,\}/.test(plain)) return undefined
  let [length, last] = [0, 0]
  for (const [token] of pattern.matchAll(new RegExp(`\\{\\d{1,4}(?:,\\d{1,4})?\\}|${atom.source}`, 'gu'))) {
    const [, least, most = least] = quantifier.exec(token) ?? []
    if (most !== undefined) {
      length += last * (Number(most) - 1)
      last = 0
    } else if (token === '?' || token === '^' || token === '$') last = 0
    else {
      last = 1
      length += 1
    }
  }
  return length
}
