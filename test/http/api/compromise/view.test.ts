import { expect, it } from 'vitest'
import { viewCompromise } from '../../../../src/http/api/authorities/compromise/view.ts'
import type { ToldCompromise } from '../../../../src/revocation/compromise/compromise.ts'

const compromise: ToldCompromise = {
  authorityId: '',
  authority: 'acme-g1',
  successor: null,
  createdAt: new Date(),
  actor: 'admin/security',
  note: 'copied',
  orderId: null,
  isAllRevoked: true,
  lastCrl: 'signed',
  lastCrlNumber: 7,
  failed: 0,
  detachedMonths: []
}

it.each([
  [{}, 'done'],
  [{ lastCrl: 'waiting' }, 'running'],
  [{ lastCrl: 'missed' }, 'done'],
  [{ isAllRevoked: false, failed: 1 }, 'running'],
  [{ failed: 1 }, 'incomplete'],
  [{ detachedMonths: ['2026-01'] }, 'incomplete']
] as const)('a compromise with %o is %s', (more, state) => {
  const view = viewCompromise({
    compromise: { ...compromise, ...more },
    registrations: [],
    order: undefined
  })
  expect(view.state).toBe(state)
})
