import { MintlineError } from '../../errors/mintline-error.ts'
import { decodeBase64, placeOf } from '../pem/base64.ts'
import { describeLabel } from './mistakes.ts'

const labels: ReadonlySet<string> = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'])
const armourLine = /^[ \t]*-----(BEGIN|END) ([^\r\n-]*)-----[ \t]*$/gm
// Anything that was meant as an armour line: fewer dashes, dashes that a word processor made longer (in UTF-8:
// e2 80 90 to e2 80 95, e2 88 92; in Windows-1252: 96 and 97), text on the same line.
const intendedLine = /(?:-|\xe2\x80[\x90-\x95]|\xe2\x88\x92|[\x96\x97])[ \t]*(?:BEGIN|END) [A-Z0-9 ]+/

interface ArmourLine {
  readonly kind: 'BEGIN' | 'END'
  readonly label: string
  readonly start: number
  readonly end: number
}

/** True when the text has, or was meant to have, PEM armour. */
export function hasArmour(text: string): boolean {
  return intendedLine.test(text)
}

/**
 * The DER in the one PEM block of `text` (RFC 7468 §2; text may stand before the block). Throws `csr_malformed`
 * naming the line: another label, no or another END line, several blocks, text behind the block.
 */
export function readArmour(text: string): Uint8Array {
  const lines = findArmourLines(text)
  const foreign = lines.find(({ label }) => !labels.has(label))
  if (foreign !== undefined) throw refuse(text, foreign.start, describeLabel(foreign.label))
  const [begin, end, next] = lines
  if (begin === undefined) throw refuse(text, intendedLine.exec(text)?.index ?? 0, describeIntendedLine(text))
  if (begin.kind === 'END')
    throw refuse(text, begin.start, 'the END line comes first; the BEGIN line is missing')
  if (end === undefined) throw refuse(text, text.length, 'the END line is missing; the file was cut off')
  if (end.kind === 'BEGIN') throw refuse(text, end.start, 'a second BEGIN line comes before the END line')
  if (end.label !== begin.label) {
    throw refuse(text, end.start, `the END line says "${end.label}", the BEGIN line "${begin.label}"`)
  }
  if (next !== undefined) throw refuse(text, next.start, 'there is a second CSR; send one at a time')
  const trailing = text.slice(end.end).search(/\S/)
  if (trailing !== -1) throw refuse(text, end.end + trailing, 'text follows the END line')
  return decodeBase64(text, begin.end, end.start)
}

function findArmourLines(text: string): readonly ArmourLine[] {
  return [...text.matchAll(armourLine)].map(match => ({
    kind: match[1] as ArmourLine['kind'],
    label: match[2] ?? '',
    start: match.index,
    end: match.index + match[0].length
  }))
}

function describeIntendedLine(text: string): string {
  if (/[\xe2\x96\x97]/.test(intendedLine.exec(text)?.[0] ?? '')) {
    return 'the dashes of the BEGIN line were turned into typographic ones; copy the file, not its display'
  }
  if (!/[\r\n]/.test(text.trim()) && /-----BEGIN [A-Z ]+-----[ \t]*[A-Za-z0-9+/]/.test(text)) {
    return 'the line ends are lost. `curl -d @file` drops them, `curl --data-binary @file` keeps them; in a shell, put the variable in double quotes'
  }
  if (/-----BEGIN [A-Z ]+-----[ \t]*\\n/.test(text)) {
    return 'line ends are written as \\n; send real line ends'
  }
  return 'the BEGIN line must be exactly "-----BEGIN CERTIFICATE REQUEST-----", alone on its line'
}

function refuse(text: string, index: number, reason: string): MintlineError {
  return new MintlineError('csr_malformed', `The CSR cannot be read: ${reason} (${placeOf(text, index)}).`)
}
