import { expect, it } from 'vitest'
import type { GenerationView } from '../../../src/authorities/generations/generation.ts'
import { viewGeneration } from '../../../src/http/api/authorities/view.ts'

const generation: GenerationView = {
  name: 'starter-g1',
  line: 'starter',
  generation: 1,
  state: 'active',
  purpose: 'devices',
  subject: { CommonName: 'Starter CA' },
  key: { kind: 'local', keyFile: 'starter-g1.key.pem' },
  certificate: undefined,
  issuances: { atLeast: 7, isExact: true },
  createdAt: new Date('2026-11-23T10:00:00.123Z')
}

it('a generation is shown with a count or a bound, which are told apart', () => {
  const items = [{ atLeast: 10_000, isExact: false }, generation.issuances].map(issuances =>
    viewGeneration({ ...generation, issuances })
  )
  expect(items.map(item => 'issuances' in item && 'issuancesAtLeast' in item)).toEqual([false, false])
  expect(items).toMatchObject([{ issuancesAtLeast: 10_000 }, { issuances: 7 }])
})
