import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { templateOf } from '../../jitp/template-cases.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { expectWithin } from '../../support/time-limit.ts'
import { createAuthority } from './authorities.ts'
import { type Asked, createEventLoopMeter } from './meter.ts'
import { csrCases, jsonCases, keyCases, requestCases, templateCases, type WorstCase } from './worst-cases.ts'

/** What no request may take of the thread that serves all of them. */
const mostMilliseconds = 50

let data: TemporaryDirectory
let service: ServiceProcess
let meter: Awaited<ReturnType<typeof createEventLoopMeter>>

beforeAll(async () => {
  data = await createTemporaryDirectory()
  service = await startServiceProcess(data.path, { MINTLINE_LOG_LEVEL: 'error' })
  meter = await createEventLoopMeter(service)
  // A chain of others' is read for one whose certificate is still to come.
  const worst = { line: 'worst', keyType: 'P-256', certificate: { kind: 'external' } }
  expect((await createAuthority(service, meter.bearer('admin'), worst)).status).toBe(201)
})
afterAll(async () => {
  await service.end('SIGTERM')
  await data.remove()
})

describe.each([
  ['templates', templateCases],
  ['JSON', jsonCases],
  ['CSRs', csrCases],
  ['requests', requestCases],
  ['texts in which private keys are looked for', keyCases]
] satisfies [string, readonly WorstCase[]][])('the worst of %s', (_, cases) => {
  it.each(cases)('costs little: %s', async (_, asked) => {
    const { status, milliseconds } = await meter.measure(asked, mostMilliseconds)
    expect(status).toBeLessThan(500)
    expectWithin(milliseconds, mostMilliseconds)
  })
})

describe('what nobody thought of', () => {
  const seed = 20261126
  const csr = Buffer.from(makeCertificationRequest({ Country: 'US', CommonName: 'fuzz' }))
  const change = fc.record({
    at: fc.nat(),
    remove: fc.nat(40),
    insert: fc.uint8Array({ maxLength: 40 }),
    times: fc.constantFrom(1, 1, 1, 400)
  })
  const changed = (original: Buffer) =>
    fc.array(change, { minLength: 1, maxLength: 4 }).map(changes =>
      changes.reduce((bytes, { at, remove, insert, times }) => {
        const place = at % (bytes.length + 1)
        const inserted = Array<Uint8Array>(times).fill(insert)
        return Buffer.concat([bytes.subarray(0, place), ...inserted, bytes.subarray(place + remove)])
      }, original)
    )
  const json = { 'content-type': 'application/json' }
  const profileOf = (template: unknown) =>
    JSON.stringify({ ...starterProfile, name: 'fuzz', template, jitp: { functions: 'accept' } })
  const kinds: readonly (readonly [string, fc.Arbitrary<Asked>])[] = [
    [
      'CSRs',
      changed(csr).map(body => ({
        path: '/v1/issuances?profile=starter',
        role: 'station',
        headers: { 'content-type': 'application/pkcs10' },
        body
      }))
    ],
    [
      'JSON',
      fc.oneof(
        fc.json({ maxDepth: 12 }).map(body => ({ path: '/v1/tokens', headers: json, body })),
        changed(Buffer.from(profileOf(templateOf()))).map(body => ({
          path: '/v1/profiles',
          headers: json,
          body
        }))
      )
    ],
    [
      'templates',
      fc
        .oneof(
          fc.object({ maxDepth: 6, maxKeys: 12 }),
          changed(Buffer.from(JSON.stringify(templateOf()))).map(String)
        )
        .map(template => ({
          path: '/v1/profiles',
          headers: json,
          body:
            typeof template === 'string'
              ? JSON.stringify({
                  ...starterProfile,
                  name: 'fuzz',
                  template: undefined,
                  registrationConfig: { templateBody: template, roleArn: 'arn:aws:iam::210987654321:role/r' }
                })
              : profileOf(template)
        }))
    ]
  ]

  it.each(kinds)(
    'costs little either: %s',
    async (_, arbitrary) => {
      for (const asked of fc.sample(arbitrary, { seed, numRuns: 60 })) {
        const { status, milliseconds } = await meter.measure(asked, mostMilliseconds)
        expect(status).toBeLessThan(500)
        expectWithin(milliseconds, mostMilliseconds)
      }
    },
    120_000
  )
})
