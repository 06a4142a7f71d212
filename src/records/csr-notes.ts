import { isMintlineError } from '../errors/mintline-error.ts'
import { parseCertificationRequest } from '../pki/csr/certification-request.ts'
import type { CsrNote } from '../pki/csr/note.ts'
import { findLookalike } from '../pki/name/lookalike.ts'
import type { UnknownRecord } from './record.ts'
import { replacedNotes, requestedSubject } from './requested-subject.ts'

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
  const csr = readCsr(csrDer)
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

/** A record whose CSR cannot be read is told as damaged where it matters: before anything is signed for it. */
function readCsr(csrDer: Uint8Array) {
  try {
    return parseCertificationRequest(csrDer)
  } catch (error) {
    if (isMintlineError(error)) return undefined
    throw error
  }
}

function droppedNote(name: string): CsrNote {
  return {
    code: 'attribute_dropped',
    pointer: `/subject/${name}`,
    message: `The CSR carries ${name}, which the profile leaves out of the certificate.`
  }
}
