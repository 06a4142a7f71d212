import { describe, expect, it } from 'vitest'
import { roles } from '../../../../src/access/principal.ts'
import { columnsOf, issuanceColumns } from '../../../../src/http/api/records/columns.ts'
import {
  maySeeMember,
  membersWithRights,
  readersOfMember
} from '../../../../src/http/api/records/member-rights.ts'
import { assertShown, chooseRecordFields, hiddenFrom } from '../../../../src/http/api/records/rights.ts'
import { recordFields } from '../../../../src/http/api/records/schemas.ts'

const actorsAndNotes = [
  'releasedBy',
  'releaseReason',
  'heldBy',
  'holdNote',
  'scrappedBy',
  'scrapReason',
  'revokedBy',
  'revocationNote',
  'voidedBy',
  'reason',
  'purgedBy',
  'purgeReason'
]

describe('the rights to members of records', () => {
  it('are said of every member that there is, and of no other', () => {
    expect([...membersWithRights].sort()).toEqual([...recordFields].sort())
  })

  it('leave out for stations who decided something, and why', () => {
    expect([...hiddenFrom({ role: 'station' })].sort()).toEqual([...actorsAndNotes, 'awsPushes'].sort())
    expect(recordFields.filter(name => /(By|Note|Reason|reason)$/.test(name)).sort()).toEqual(
      [...actorsAndNotes, 'revocationReason'].sort()
    )
    for (const role of ['auditor', 'operator', 'admin'] as const) expect(hiddenFrom({ role }).size).toBe(0)
  })

  it('show a screen at the line no record at all, and nobody what is not known', () => {
    expect(recordFields.filter(member => maySeeMember({ role: 'display' }, member))).toEqual([])
    expect(readersOfMember('certificateDer')).toEqual([])
    expect(readersOfMember('__proto__')).toEqual([])
  })

  it.each(roles.flatMap(role => recordFields.map(member => [role, member] as const)))(
    'hold for %s and %s as a field and as columns',
    (role, member) => {
      const isShown = maySeeMember({ role }, member)
      const columns = Object.keys(columnsOf(undefined, hiddenFrom({ role })))
      if (isShown) expect(chooseRecordFields(member, { role })).toContain(member)
      else expect(() => chooseRecordFields(member, { role })).toThrow('is not shown')
      expect(columns.includes(member)).toBe(isShown && Object.hasOwn(issuanceColumns, member))
    }
  )

  it('name in the refusal who is shown it', () => {
    const ask = () => assertShown(['id', 'holdNote'], { role: 'station' }, name => `/fields/${name}`)
    expect(ask).toThrow(
      expect.objectContaining({
        code: 'request_invalid',
        violations: [
          expect.objectContaining({
            pointer: '/fields/holdNote',
            found: 'holdNote',
            message: 'holdNote is shown to auditor, operator, admin alone. Leave it out.'
          })
        ]
      })
    )
  })
})
