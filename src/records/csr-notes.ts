import type { CsrNote } from '../pki/csr/note.ts'
import { findLookalike } from '../pki/name/lookalike.ts'
import type { UnknownRecord } from './record.ts'
import { readKeptCsr, replacedNotes, requestedSubject } from './requested-subject.ts'

/**
 * What was let pass in a request that was granted. It follows from the CSR, or the station's subject, and the certificate's: an
 * attribute that the certificate does not carry as it was sent was dropped by the profile, since else the request would
 * have been refused. So it needs no place of its own on record, and cannot disagree with it.
 */
export function csrNotesOf({
  csrDer,
  stationSubject,
  subject
}: Pick<UnknownRecord, 'csrDer' | 'stationSubject' | 'subject'>): readonly CsrNote[] {
  // Where it cannot be read, the record is told as damaged before anything is signed for it.
  const csr = readKeptCsr(csrDer)
  if (csr === undefined) return []
  const asked = { csr, stationSubject }
  const notes = new Map<string, CsrNote>()
  for (const { name, field, value } of requestedSubject(asked)) {
    const pointer = `/subject/${name}`
    if (field === undefined || subject[field] !== value) notes.set(name, droppedNote(name))
    const lookalike = field !== undefined && subject[field] === value ? findLookalike(value) : undefined
    if (lookalike !== undefined)
      notes.set(name, { code: 'lookalike', pointer, message: `${name} has ${lookalike}.` })
  }
  return [...csr.notes, ...replacedNotes(asked), ...notes.values()]
}

function droppedNote(name: string): CsrNote {
  return {
    code: 'attribute_dropped',
    pointer: `/subject/${name}`,
    message: `The CSR carries ${name}, which the profile leaves out of the certificate.`
  }
}
