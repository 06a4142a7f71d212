import { expect, it } from 'vitest'
import type { ListState } from '../../../../src/status/crl/list-state-store.ts'
import { kindDue } from '../../../../src/status/crl/making/due.ts'

const hourMs = 3_600_000
const now = new Date('2026-11-28T12:00:00Z')
const freshestCrl = 'http://pki.example.com/v1/authorities/starter-g1/crl/delta'
const rules = { overlapMs: 72 * hourMs, deltaBaseMs: 24 * hourMs, freshestCrl }
const thisUpdate = new Date(now.getTime() - hourMs)

const state = (change: Partial<ListState> = {}): ListState => ({
  ...{ thisUpdate, nextUpdate: new Date(now.getTime() + 167 * hourMs), entries: 5_000, freshestCrl },
  ...{ delta: { entries: 10, thisUpdate }, hasChanges: true },
  ...change
})
const deltaOf = (entries: number) => ({ delta: { entries, thisUpdate } })

it('what changes goes into a delta, until that is longer than its base', () => {
  expect(kindDue(state(), now, rules)).toBe('delta')
  expect(kindDue(state(deltaOf(5_000)), now, rules)).toBe('delta')
  expect(kindDue(state(deltaOf(5_001)), now, rules)).toBe('complete')
  expect(kindDue(state({ ...deltaOf(5_001), hasChanges: false }), now, rules)).toBeUndefined()
})

it('a delta of a thousand entries is never too long', () => {
  expect(kindDue(state({ ...deltaOf(1_000), entries: 0 }), now, rules)).toBe('delta')
  expect(kindDue(state({ ...deltaOf(1_001), entries: 0 }), now, rules)).toBe('complete')
})
