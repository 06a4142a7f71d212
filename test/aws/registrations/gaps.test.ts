import { describe, expect, it } from 'vitest'
import type { StoredGeneration } from '../../../src/authorities/authority-store.ts'
import { findGaps } from '../../../src/aws/registrations/gaps.ts'
import type { StoredRegistration } from '../../../src/aws/registrations/registration-store.ts'

type State = StoredGeneration['state']

const generation = (id: string, state: State) => ({ id, name: id, state }) as StoredGeneration
const registered = (authorityId: string, region: string) =>
  ({
    authorityId,
    region,
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
