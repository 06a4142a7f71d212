import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../../src/pki/csr/intake.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { problemOf } from '../../http/answer.ts'
import { type HttpService, openService } from '../../http/service.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

const read = (name: string) => readFileSync(new URL(`../../fixtures/weak-keys/${name}.pem`, import.meta.url))

let service: HttpService
let directory: TemporaryDirectory
beforeAll(async () => {
  directory = await createTemporaryDirectory()
  const list = join(directory.path, 'list')
  const { spkiDer } = parseCertificationRequest(decodeCertificationRequest(read('shared-prime-1')))
  writeFileSync(list, createHash('sha256').update(spkiDer).digest('hex'))
  // So many that the station is not paused in between.
  service = await openService({ MINTLINE_WEAK_KEYS_FILES: list, MINTLINE_STATION_KEY_FAULTS: '1000' })
  const keys = { ec: { curves: ['P-256'] }, rsa: { minimumBits: 2048, maximumBits: 4096 } }
  await service.as('admin').post('/v1/profiles', { ...starterProfile, name: 'rsa', keys })
  const { ec } = keys
  await service.as('admin').post('/v1/profiles', { ...starterProfile, name: 'ec', keys: { ec } })
})
afterAll(async () => {
  await service.stop()
  await directory.remove()
})

const post = (csr: Buffer) =>
  service.as('station').post('/v1/issuances', { csr: csr.toString(), profile: 'rsa' })

describe('a CSR with a weak key', () => {
  it.each([
    ['roca', 'roca'],
    ['close-primes', 'close-primes'],
    ['square', 'close-primes'],
    ['small-factor', 'small-factor'],
    ['even-modulus', 'small-factor'],
    ['exponent-1', 'exponent'],
    ['exponent-3', 'exponent'],
    ['exponent-even', 'exponent'],
    ['shared-prime-1', 'known-weak']
  ])('%s is refused as %s, and on record', async (name, weakness) => {
    const answer = await post(read(name))
    const problem = problemOf(answer)
    expect(problem).toMatchObject({ status: 422, code: 'key_refused', weaknesses: [weakness] })
    const record = (await service.as('auditor').get(problem.instance!)).json()
    expect(record).toMatchObject({ outcome: 'rejected', code: 'key_refused' })
  })

  it.each(['roca', 'exponent-1', 'shared-prime-1'])('%s is refused by a preview likewise', async name => {
    const preview = await service
      .as('auditor')
      .post('/v1/profiles/rsa/preview', { csr: read(name).toString() })
    expect(problemOf(preview)).toMatchObject({ code: 'key_refused', weaknesses: [expect.any(String)] })
  })

  it('that shares a prime shows nothing by itself', async () => {
    expect((await post(read('shared-prime-2'))).statusCode).toBe(201)
  })

  it('that is only of another kind is not called weak', async () => {
    const answer = await service
      .as('station')
      .post('/v1/issuances', { csr: read('roca').toString(), profile: 'ec' })
    expect([problemOf(answer).code, problemOf(answer)]).toEqual([
      'key_refused',
      expect.not.objectContaining({ weaknesses: expect.anything() as unknown })
    ])
  })
})
