import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Authority } from '../../../../src/authorities/authority.ts'
import { parseCertificate } from '../../../../src/pki/certificate/certificate.ts'
import { comparableName } from '../../../../src/pki/path/distinguished-name.ts'
import type { ConstrainedNames } from '../../../../src/pki/path/name-constraints.ts'
import { draftResponder, judgeResponder } from '../../../../src/status/ocsp/responder/draft.ts'
import { createTestAuthority } from '../../../pki/certificate/authority-fixture.ts'

const { certificate } = createTestAuthority()
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const spkiDer = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
const now = new Date('2026-11-28T10:00:00Z')
const random = (size: number) => new Uint8Array(randomBytes(size))

/** @param endsAt when the first CA of the chain ends. */
function rulesOf(constrained: readonly ConstrainedNames[] = [], endsAt = certificate.notAfter) {
  const path = { certificates: [certificate], notAfter: endsAt, endsWith: undefined, constrained }
  return { authority: { id: 'a', certificate, path } as unknown as Authority, spkiDer }
}

const name = parseCertificate(certificate.der).subjectName

/** Of a CA above that lets nothing be named as this CA is. */
const excluding: ConstrainedNames = {
  index: 1,
  place: 'the root',
  constraints: {
    permitted: [{ name, base: comparableName(name) }],
    excluded: [],
    hosts: { permitted: undefined, excluded: [] },
    mailboxes: { permitted: undefined, excluded: [] },
    hasDistances: false
  }
}

describe('the certificate of a responder', () => {
  it('is drafted, and judged alike when it comes back', () => {
    const { tbsDer } = draftResponder(rulesOf(), now, random)
    expect(() => judgeResponder(tbsDer, rulesOf())).not.toThrow()
  })

  it('is neither drafted nor signed under a name that a CA above does not allow', () => {
    const { tbsDer } = draftResponder(rulesOf(), now, random)
    const refused = expect.objectContaining({ code: 'subject_refused' }) as Error
    expect(() => draftResponder(rulesOf([excluding]), now, random)).toThrow(refused)
    expect(() => judgeResponder(tbsDer, rulesOf([excluding]))).toThrow(refused)
  })

  it('ends with the chain, and is not signed where it would outlast it', () => {
    const { tbsDer } = draftResponder(rulesOf(), now, random)
    const soon = new Date(now.getTime() + 3_600_000)
    expect(() => draftResponder(rulesOf([], soon), now, random)).not.toThrow()
    expect(() => judgeResponder(tbsDer, rulesOf([], soon))).toThrow(
      expect.objectContaining({ code: 'lint_failed' })
    )
  })

  it('is not signed for another key', () => {
    const { tbsDer } = draftResponder(rulesOf(), now, random)
    const other = { ...rulesOf(), spkiDer: certificate.spkiDer }
    expect(() => judgeResponder(tbsDer, other)).toThrow(expect.objectContaining({ code: 'lint_failed' }))
  })
})
