import { toBase64, toHex } from '../../pki/der/octet-text.ts'
import { decodeBase64, LineReader, malformed } from '../text.ts'
import { isKeyName } from './verifier-key.ts'

/** A text and who signed it: c2sp.org/signed-note. Nothing in it counts before a signature is verified. */
export interface SignedNote {
  /** With the newline at its end. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export interface NoteSignature {
  readonly name: string
  readonly keyIdHex: string
  /** What comes behind the key id. */
  readonly octets: Uint8Array
}

const keyIdOctets = 4
/** At least 16 must be taken; a witnessed checkpoint has two for each witness. */
const maximumSignatures = 32

/**
 * @param text of which `decodeText` was made.
 * @param firstLine the number of its first line in what it is a part of.
 * @throws MintlineError `note_malformed`.
 */
export function parseSignedNote(text: string, firstLine = 1): SignedNote {
  const border = text.lastIndexOf('\n\n')
  const body = text.slice(0, border + 1)
  const lines = body === '' ? text : body
  const signaturesFrom = firstLine + lines.split('\n').length
  if (body === '')
    throw malformed({
      line: signaturesFrom - 1,
      expected: 'an empty line between a text and its signatures',
      found: 'none'
    })
  const reader = new LineReader(text.slice(border + 2), signaturesFrom)
  const signatures: NoteSignature[] = []
  do {
    if (signatures.length === maximumSignatures)
      throw reader.refuse(`the end of the note: it may have ${maximumSignatures} signatures`)
    signatures.push(readSignature(reader))
  } while (reader.hasMore)
  return { text: body, signatures }
}

const signatureExpected = 'a signature: an em dash, a name, and a key id with a signature in base64'

function readSignature(reader: LineReader): NoteSignature {
  const [, name = '', base64 = ''] = /^— (\S+) (\S+)$/.exec(reader.peek() ?? '') ?? []
  const octets = decodeBase64(base64)
  if (!isKeyName(name) || octets === undefined || octets.length <= keyIdOctets)
    throw reader.refuse(signatureExpected)
  reader.read(signatureExpected)
  return { name, keyIdHex: toHex(octets.subarray(0, keyIdOctets)), octets: octets.slice(keyIdOctets) }
}

/** The line, with the newline at its end. */
export function formatSignature({ name, keyIdHex, octets }: NoteSignature): string {
  const keyId = new Uint8Array(keyIdOctets)
  new DataView(keyId.buffer).setUint32(0, Number.parseInt(keyIdHex, 16))
  return `— ${name} ${toBase64(Uint8Array.of(...keyId, ...octets))}\n`
}

/** What `parseSignedNote` reads. */
export function formatSignedNote({ text, signatures }: SignedNote): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`
}
