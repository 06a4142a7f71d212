const escapeLengths: Readonly<Record<string, number>> = { x: 4, u: 6, U: 10 }

/**
 * Where the UTF-16 code units of a scalar's value come from, with one more entry for the end: `text` ends where the
 * scalar does, which starts at `offset`. Every character that is no blank is found exactly where it was typed, whatever
 * the style of the scalar: between two of them stand only blanks, line breaks, and the characters that escape them.
 * Time is linear in the text.
 */
export function traceScalar(text: string, offset: number, value: string): readonly number[] {
  let at = startOfContent(text, offset)
  const origins: number[] = []
  for (const unit of value) {
    if (!isBlank(unit)) while (at < text.length && text.charAt(at) !== unit && isBetween(text, at)) at += 1
    for (let part = 0; part < unit.length; part += 1) origins.push(Math.min(at, text.length))
    at += consumedBy(text, at, unit)
  }
  origins.push(Math.min(at, text.length))
  return origins
}

/** After the header of a block scalar, or the opening quote. */
function startOfContent(text: string, offset: number): number {
  const opening = text.charAt(offset)
  if (opening === '"' || opening === "'") return offset + 1
  if (opening !== '|' && opening !== '>') return offset
  const lineEnd = text.indexOf('\n', offset)
  return lineEnd < 0 ? text.length : lineEnd + 1
}

function isBlank(unit: string): boolean {
  return unit === ' ' || unit === '\n' || unit === '\t' || unit === '\r'
}

function isBetween(text: string, at: number): boolean {
  const unit = text.charAt(at)
  if (unit === '\\') return escapeLengths[text.charAt(at + 1)] === undefined
  return isBlank(unit) || unit === "'"
}

function consumedBy(text: string, at: number, unit: string): number {
  if (text.startsWith(unit, at)) return unit.length
  if (text.charAt(at) === '\\') return escapeLengths[text.charAt(at + 1)] ?? 2
  return isBlank(unit) && isBlank(text.charAt(at)) ? 1 : 0
}
