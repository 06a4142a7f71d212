import { expect, it } from 'vitest'
import type { PushFacts } from '../../../src/aws/push/reading/pushes.ts'
import { describeStanding } from '../../../src/aws/push/reading/standing.ts'

const well: PushFacts = {
  authority: 'acme-g1',
  accountAlias: '',
  region: 'eu-central-1',
  waiting: 0,
  unseen: 7,
  refused: 0,
  waitingSeconds: 0,
  restedSeconds: null,
  overdueSeconds: 0,
  pushed: 12,
  drifts: 1,
  leftOut: 0,
  failingSeconds: null,
  lastError: null
}

it.each<[string, Partial<PushFacts>]>([
  ['nothing waits', {}],
  ['a hundred thousand drain for hours', { waiting: 1_000, overdueSeconds: 9_000, restedSeconds: 0.2 }],
  ['AWS was away for a moment', { waiting: 3, failingSeconds: 20 }],
  ['something was asked for a moment ago', { waiting: 3, overdueSeconds: 40, restedSeconds: 86_000 }]
])('all is well where %s', (_, facts) => {
  expect(describeStanding([{ ...well, ...facts }]).ok).toBe(true)
})

it.each<[string, Partial<PushFacts>, RegExp]>([
  [
    'AWS cannot be told',
    { waiting: 3, failingSeconds: 90, lastError: { code: 'aws_refused', detail: 'No credentials.' } },
    /acme-g1 in eu-central-1: 3 .* No credentials\./
  ],
  ['nobody tells AWS', { waiting: 3, overdueSeconds: 400, restedSeconds: 4_000 }, /background duties/],
  ['months are detached that have revoked ones', { leftOut: 3 }, /told of 3 .* detached/],
  ['more wait than are counted', { waiting: 1_000, failingSeconds: 90 }, /1000 or more revocations wait/],
  ['AWS refuses one', { refused: 1, accountAlias: 'production' }, /account production.*state=refused/]
])('it is told where %s', (_, facts, detail) => {
  expect(describeStanding([well, { ...well, ...facts }])).toMatchObject({
    ok: false,
    detail: expect.stringMatching(detail) as string
  })
})

it('names the first few', () => {
  const many = Array.from({ length: 8 }, () => ({ ...well, refused: 1 }))
  expect(describeStanding(many).detail).toMatch(/; and 3 more$/)
})
