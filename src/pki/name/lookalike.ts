/** Scripts with letters that look like Latin ones. */
const scripts = {
  Cyrillic: /\p{Script=Cyrillic}/u,
  Greek: /\p{Script=Greek}/u,
  Armenian: /\p{Script=Armenian}/u,
  Cherokee: /\p{Script=Cherokee}/u,
  Coptic: /\p{Script=Coptic}/u,
  Lisu: /\p{Script=Lisu}/u
} as const

const latin = /\p{Script=Latin}/u
const letter = /\p{L}/u

/**
 * Letters of Cyrillic, Greek and Armenian with a Latin twin (Unicode confusables, those that pass at a glance), in the order
 * of their code points. Of Cherokee, Coptic and Lisu every letter counts.
 */
const twin =
  /[\u0410\u0412\u0415\u041a\u041c-\u041e\u0420-\u0423\u0425\u0405\u0406\u0408\u04ae\u04c0\u050c\u051a\u051c\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04af\u04bb\u04cf\u0501\u051b\u051d\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03b1\u03b9\u03bd\u03bf\u03c1\u03c5\u037f\u03f2\u03f3\u03f9\u03fa\u0548\u054d\u0555\u0566\u0570\u0578\u057d\u0581\u0584\u0585]|\p{Script=Cherokee}|\p{Script=Coptic}|\p{Script=Lisu}/u

const ascii = /^[\0-\x7f]*$/

const word = /[\p{L}\p{M}\p{N}]+/gu
/** Hyphens, dashes and the minus sign, but not the hyphen of the keyboard. */
const otherDash = /(?!-)[\p{Pd}\u2043\u2212]/u

/**
 * What in a value looks like ASCII and is not, in words, or `undefined`. The rule is closed and small, and never takes
 * two ASCII characters for one another (0 and O, 1 and l: real serial numbers have both):
 *
 * - a word that mixes Latin letters with Cyrillic, Greek, Armenian, Cherokee, Coptic or Lisu ones;
 * - a word all of whose letters are of those scripts and have a Latin twin;
 * - a compatibility form of one ASCII character (fullwidth, mathematical, superscript: Unicode NFKC);
 * - a dash other than U+002D.
 *
 * A word in one script of its own, such as a Russian name, is none. A word is a run of letters, marks and digits.
 */
export function findLookalike(value: string): string | undefined {
  // Most values: what looks like ASCII and is not has a character that is none.
  if (ascii.test(value)) return undefined
  for (const [found] of value.matchAll(word)) {
    const described = describeWord(found)
    if (described !== undefined) return described
  }
  for (const character of value) {
    const twinOfIt = asciiTwin(character)
    if (twinOfIt !== undefined) return `${codePoint(character)}, which looks like "${twinOfIt}"`
  }
  return undefined
}

function describeWord(found: string): string | undefined {
  const letters = [...found].filter(character => letter.test(character))
  const other = Object.entries(scripts).find(([, script]) => letters.some(each => script.test(each)))
  if (other === undefined) return undefined
  const stranger = letters.find(each => other[1].test(each))!
  if (letters.some(each => latin.test(each))) {
    return `"${found}", in which ${codePoint(stranger)} is a ${other[0]} letter among Latin ones`
  }
  return letters.every(each => twin.test(each))
    ? `"${found}", whose letters are ${other[0]} and look like Latin ones`
    : undefined
}

function asciiTwin(character: string): string | undefined {
  if (character <= '\x7f') return undefined
  if (otherDash.test(character)) return '-'
  const folded = character.normalize('NFKC')
  return folded.length === 1 && folded > ' ' && folded <= '~' ? folded : undefined
}

function codePoint(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
}
