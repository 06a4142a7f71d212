/**
 * What others say, such as the answer of AWS, as it can be kept and shown: no U+0000 and no half of a surrogate pair, which
 * PostgreSQL does not take, stand in it. Pure.
 *
 * @param longest in UTF-16 code units; the rest is left out.
 */
export function keepableText(text: string, longest = text.length): string {
  return text.slice(0, longest).toWellFormed().replaceAll('\0', '\ufffd')
}
