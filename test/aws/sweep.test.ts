import { describe, expect, it } from 'vitest'
import type { StoredRegistration, StoredState } from '../../src/aws/registrations/registration-store.ts'
import { dueFor } from '../../src/aws/registrations/runs/sweep.ts'

const now = new Date('2026-11-23T10:00:00Z')
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000)
const state: StoredState = {
  state: 'registered',
  version: 2,
  profileVersion: 3,
  triedProfileVersion: null,
  awsAccountId: '111122223333',
  observed: null,
  drift: [],
  lastError: null,
  checkedAt: minutesAgo(10),
  retryAt: null
}
const registration: StoredRegistration = {
  id: 'r',
  authorityId: 'a',
  accountAlias: '',
  region: 'eu-central-1',
  createdAt: now,
  version: 2,
  desired: {
    certificateMode: 'SNI_ONLY',
    setAsActive: true,
    allowAutoRegistration: true,
    provisioning: { profile: 'p', roleArn: 'r', templateName: null }
  },
  changedAt: minutesAgo(1),
  changedBy: 'admin/a',
  state
}
const withState = (change: Partial<StoredState>) => ({ ...registration, state: { ...state, ...change } })
const asJitr = { ...registration, desired: { ...registration.desired, provisioning: null } }

interface Given {
  readonly stored: StoredRegistration
  readonly newestProfileVersion: number
}

describe('dueFor', () => {
  it.each<[string, Given, ReturnType<typeof dueFor>]>([
    [
      'one that nothing is known of',
      { stored: { ...registration, state: undefined }, newestProfileVersion: 3 },
      'reconcile'
    ],
    [
      'one of which something newer is asked',
      { stored: { ...registration, version: 3 }, newestProfileVersion: 3 },
      'reconcile'
    ],
    [
      'one whose own job is on its way',
      { stored: { ...registration, version: 3, changedAt: now }, newestProfileVersion: 3 },
      undefined
    ],
    [
      'a new one whose own job is on its way',
      { stored: { ...registration, state: undefined, changedAt: now }, newestProfileVersion: 3 },
      undefined
    ],
    ['one whose profile has a newer version', { stored: registration, newestProfileVersion: 4 }, 'reconcile'],
    ['one without a profile', { stored: asJitr, newestProfileVersion: 4 }, undefined],
    ['one that was looked at a moment ago', { stored: registration, newestProfileVersion: 3 }, undefined],
    [
      'one that was looked at an hour ago',
      { stored: withState({ checkedAt: minutesAgo(60) }), newestProfileVersion: 3 },
      'check'
    ],
    [
      'a drifted one, which is not repaired unasked',
      { stored: withState({ state: 'drifted', checkedAt: minutesAgo(60) }), newestProfileVersion: 3 },
      'check'
    ],
    [
      'a failed one whose time has come',
      { stored: withState({ state: 'failed', retryAt: now }), newestProfileVersion: 3 },
      'reconcile'
    ],
    [
      'one that was asked for by a clock that was far ahead',
      {
        stored: { ...registration, state: undefined, changedAt: minutesAgo(-43_200) },
        newestProfileVersion: 3
      },
      'reconcile'
    ],
    [
      'one that was looked at by a clock that was far ahead',
      { stored: withState({ checkedAt: minutesAgo(-43_200) }), newestProfileVersion: 3 },
      'check'
    ],
    [
      'a failed one that was put off by a clock that was far ahead',
      { stored: withState({ state: 'failed', retryAt: minutesAgo(-43_200) }), newestProfileVersion: 3 },
      'reconcile'
    ],
    [
      'one that another process looked at by its own clock',
      { stored: withState({ checkedAt: new Date(now.getTime() + 4_000) }), newestProfileVersion: 3 },
      undefined
    ],
    [
      'a failed one that has time',
      { stored: withState({ state: 'failed', retryAt: minutesAgo(-1) }), newestProfileVersion: 4 },
      undefined
    ]
  ])('of %s', (_name, { stored, newestProfileVersion }, due) => {
    expect(dueFor(stored, newestProfileVersion, now)).toBe(due)
  })
})
