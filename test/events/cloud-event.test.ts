import { Compile } from 'typebox/compile'
import { expect, it } from 'vitest'
import { buildCloudEvent } from '../../src/events/cloud-event.ts'
import { eventData } from '../../src/events/event-data.ts'
import { type EventType, eventTypes, factKinds } from '../../src/events/event-type.ts'

/** Each type that tells an administrative act, with acts that raise it. */
const acts = [
  ['mintline.certificate.expiring', 'certificate.expiring', 'issuance/019ab1f0'],
  ['mintline.authority.changed', 'authority.active', 'authority/acme-g1'],
  ['mintline.aws-registration.drifted', 'aws_registration.drifted', 'aws-registration/r-1'],
  ['mintline.aws-registration.blocked', 'aws_registration.blocked', 'aws-registration/r-1'],
  ['mintline.aws-push.drifted', 'aws_push.drifted', 'issuance/019ab1f0'],
  ['mintline.aws-push.drifted', 'aws_push.appeared', 'issuance/019ab1f0'],
  ['mintline.fleet.alarm', 'fleet.alarm', 'authority/acme-g1'],
  ['mintline.key.blocked', 'key.block', 'key/9f2c'],
  ['mintline.key.disclosed', 'key.expose', 'key/9f2c'],
  ['mintline.station.paused', 'station.pause', 'station/station-7'],
  ['mintline.lot.changed', 'lot.create', 'lot/lot-2026-48'],
  ['mintline.lot.changed', 'lot.devices', 'lot/lot-2026-48'],
  ['mintline.lot.changed', 'lot.flag', 'lot/lot-2026-48']
] as const satisfies readonly (readonly [EventType, string, string])[]

it('knows an act of each type that tells one', () => {
  const told = new Set(acts.map(([type]) => type))
  expect([...told]).toEqual(eventTypes.filter(type => factKinds[type] === 'audit'))
})

it.each(acts)('tells %s of %s as its schema has it', (type, act, subject) => {
  const what = { createdAt: new Date(0), actor: 'admin/boss', act, subject, before: null, after: { a: 1 } }
  const event = { position: '1', type, recordId: 'a-record', batchId: null, refusals: 0 }
  const fact = { kind: 'audit', reason: 'a reason', ...what } as const
  const { data, subject: told } = buildCloudEvent({ ...event, fact }, 'source')
  expect(told).toBe(subject)
  expect(Compile(eventData[type]).Errors(data)).toEqual([])
  expect(Object.values(data)).toContain(subject.slice(subject.indexOf('/') + 1))
})
