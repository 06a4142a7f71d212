import { describe, expect, it, vi } from 'vitest'
import type { Authority } from '../../../src/authorities/authority.ts'
import type { StoredGeneration } from '../../../src/authorities/authority-store.ts'
import { findGaps, listGapWarnings } from '../../../src/aws/registrations/gaps.ts'
import type { StoredRegistration } from '../../../src/aws/registrations/registration-store.ts'

type State = StoredGeneration['state']

const generation = (id: string, state: State) => ({ id, name: id, state }) as StoredGeneration
const registered = (authorityId: string, region: string) =>
  ({
    authorityId,
    region,
    desired: { setAsActive: true, allowAutoRegistration: true },
    accountAlias: '',
    version: 1,
    state: { version: 1, state: 'registered', awsAccountId: '123456789012' }
  }) as unknown as StoredRegistration

describe('where devices would be left without a CA', () => {
  const registrations = [
    registered('g1', 'eu-central-1'),
    registered('g1', 'us-east-1'),
    registered('g2', 'us-east-1')
  ]
  const gap = { region: 'eu-central-1', active: 'g1', successor: 'g2', state: undefined }

  it.each<State>(['active', 'compromised'])('is told by the registrations of one that is %s', state => {
    expect(findGaps([generation('g1', state), generation('g2', 'staged')], registrations)).toMatchObject([
      gap
    ])
  })

  it('is told by the one that is active, where there is one, and by the compromised one in whose place it issues', () => {
    const three = [generation('g1', 'compromised'), generation('g2', 'active'), generation('g3', 'staged')]
    expect(findGaps(three, registrations)).toMatchObject([
      gap,
      { region: 'us-east-1', active: 'g2', successor: 'g3' }
    ])
    const two = [generation('g1', 'compromised'), generation('g2', 'active')]
    expect(findGaps(two, registrations)).toMatchObject([gap, { active: 'g2', successor: undefined }])
  })

  it('is nowhere where nothing has issued', () => {
    expect(findGaps([generation('g1', 'retired'), generation('g2', 'staged')], registrations)).toEqual([])
  })
})

describe('the warning of a generation that AWS IoT does not know', () => {
  const now = new Date('2026-12-01T00:00:00Z')
  const lasting = (id: string, state: State, notAfter = '2027-01-01') =>
    ({
      id,
      name: id,
      line: 'line',
      state,
      certificate: { notAfter: new Date(notAfter) }
    }) as unknown as Authority
  const registrations = [registered('g1', 'eu-central-1'), registered('g2', 'us-east-1')]
  const warn = (authorities: readonly Authority[]) =>
    listGapWarnings({ authorities, listRegistrations: async () => registrations, now })

  it.each<State>(['retiring', 'retired', 'compromised'])(
    'is told where one that is %s has devices',
    async state => {
      expect(await warn([lasting('g1', state), lasting('g2', 'active')])).toMatchObject([
        { kind: 'registration_missing', authority: 'g2' }
      ])
    }
  )

  it('is told of a rotation that was taken back as well', async () => {
    expect(await warn([lasting('g1', 'active'), lasting('g2', 'retiring')])).toMatchObject([
      { authority: 'g1' }
    ])
  })

  it('is told once of a place, however many were there', async () => {
    const both = [lasting('g1', 'retired'), lasting('g2', 'retired'), lasting('g3', 'active')]
    registrations.push(registered('g2', 'eu-central-1'))
    expect(await warn(both)).toHaveLength(2)
    registrations.pop()
  })

  it('ends with the certificate of the one before, and asks for nothing where there was none', async () => {
    expect(await warn([lasting('g1', 'retiring', '2026-11-30'), lasting('g2', 'active')])).toEqual([])
    const asked = vi.fn(async () => registrations)
    const authorities = [lasting('g1', 'active')]
    expect(await listGapWarnings({ authorities, listRegistrations: asked, now })).toEqual([])
    expect(asked).not.toHaveBeenCalled()
  })
})
