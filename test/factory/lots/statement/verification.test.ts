import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type LotStatement, signStatement } from '../../../../src/factory/lots/statement/statement.ts'
import { verifyStatement } from '../../../../src/factory/lots/statement/verification.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }]
const sha256 = 'ab'.repeat(32)

const statement: LotStatement = {
  lot: 'lot-1',
  profile: 'starter',
  ordered: 9,
  issued: 4,
  remaining: 5,
  scrapped: 1,
  refused: 2,
  devices: { expected: 2, issued: 2, sha256 },
  stations: [{ station: 's', issued: 4, scrapped: 1, refused: 2 }],
  firstIssuedAt: '2026-11-27T00:00:00.000Z',
  lastIssuedAt: '2026-11-27T00:00:00.000Z',
  openedAt: '2026-11-27T00:00:00.000Z',
  closedAt: '2026-11-28T00:00:00.000Z',
  certificateIdsSha256: sha256
}

const verify = async (change: Partial<LotStatement>) =>
  verifyStatement(await signStatement({ ...statement, ...change }, { keyId: 'k', privateKey }), keys)

describe('a statement of a lot', () => {
  it('is believed where devices have several certificates', async () => {
    expect(await verify({})).toEqual(statement)
  })

  it.each<[string, Partial<LotStatement>, string]>([
    ['more devices than were expected', { devices: { expected: 1, issued: 2, sha256 } }, 'more than the 1'],
    ['more devices than certificates', { devices: { expected: 9, issued: 5, sha256 } }, '5 devices have 4'],
    ['places that are missing', { remaining: 4 }, 'is not ordered'],
    ['other sums than its stations', { scrapped: 2 }, 'scrapped is 2']
  ])('with %s is not', async (_name, change, fault) => {
    await expect(verify(change)).rejects.toThrow(fault)
  })
})
