import { toBase64 } from '../pki/der/octet-text.ts'
import { formatSignedNote } from './note/signed-note.ts'
import { form, type TlogProof } from './tlog-proof.ts'

/** What `parseTlogProof` reads: c2sp.org/tlog-proof. */
export function formatTlogProof({ extra, index, proof, checkpoint }: TlogProof): string {
  const lines = [
    form,
    ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...proof.map(toBase64)
  ]
  return `${lines.join('\n')}\n\n${formatSignedNote(checkpoint.note)}`
}
