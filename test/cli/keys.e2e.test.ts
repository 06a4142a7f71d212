import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keysUsage, runKeys } from '../../src/cli/keys/keys.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { subscribe } from '../events/owed.ts'
import { problemOf } from '../http/answer.ts'
import { type HttpService, openService, someSubject } from '../http/service.ts'
import {
  makeRsaRequest,
  makeSoundKey,
  primeOf,
  type RsaNumbers,
  spkiOf
} from '../support/weak-keys/weak-key.ts'
import { codeOf, runMintline } from './mintline.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
  const keys = { rsa: { minimumBits: 2048, maximumBits: 4096 } }
  await service.as('admin').post('/v1/profiles', { ...starterProfile, name: 'rsa', keys })
  await service.issue()
})
afterAll(() => service.stop())

const digestOf = (key: RsaNumbers) => createHash('sha256').update(spkiOf(key)).digest('hex')

async function certify(key: RsaNumbers) {
  const subject = someSubject()
  const { id } = await service.issue(makeRsaRequest(subject, key), { profile: 'rsa' })
  return { id, subject, spkiSha256: digestOf(key), key }
}

const environment = () => ({
  DATABASE_URL: service.connectionString,
  MINTLINE_DATA_DIR: service.dataDirectory
})

interface Report {
  readonly keys: number
  readonly blocked?: number
  readonly findings: readonly { kind: string; weaknesses?: string[]; keys: { issuanceId: string }[] }[]
}

async function audit(args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) {
  const ended = await runMintline(['keys', 'audit', ...args, '--json'], { ...environment(), ...more })
  return { ...ended, report: ended.exitCode === 2 ? undefined : (JSON.parse(ended.output) as Report) }
}

describe('mintline keys audit', () => {
  it('finds nothing among sound keys, and says how many there are', async () => {
    await certify(makeSoundKey())
    const { exitCode, report, errors } = await audit()
    expect([exitCode, report, errors]).toEqual([0, { keys: 1, unreadable: 0, findings: [] }, ''])
  })

  it('names both devices of a shared prime, equal moduli and listed keys, and blocks them when it is told to', async () => {
    const prime = primeOf(1024)
    const sharing = [await certify(makeSoundKey(prime)), await certify(makeSoundKey(prime))]
    const twin = makeSoundKey()
    const twins = [await certify(twin), await certify(otherExponent(twin))]
    const listed = await certify(makeSoundKey())
    const list = join(service.dataDirectory, 'weak-keys')
    writeFileSync(list, `${listed.spkiSha256}\n`)

    const { exitCode, report, output } = await audit([], { MINTLINE_WEAK_KEYS_FILES: list })
    expect(exitCode).toBe(1)
    const found = (report?.findings ?? []).map(({ kind, weaknesses, keys }) => ({
      kind,
      weaknesses,
      ids: keys.map(({ issuanceId }) => issuanceId).sort()
    }))
    const idsOf = (held: readonly { id: string }[]) => held.map(({ id }) => id).sort()
    expect(found).toEqual([
      { kind: 'shared-factor', ids: idsOf(sharing) },
      { kind: 'same-modulus', ids: idsOf(twins) },
      { kind: 'weak', weaknesses: ['known-weak'], ids: [listed.id] }
    ])
    expect(report?.findings[0]?.keys[0]).toMatchObject({
      subject: sharing[0]!.subject,
      station: 'starter',
      profile: 'rsa',
      isBlocked: false
    })
    for (const secret of [prime.toString(), prime.toString(16)]) expect(output).not.toContain(secret)

    await subscribe(service.owner, ['mintline.key.disclosed', 'mintline.key.blocked'])
    const first = await audit(['--block'])
    expect([first.exitCode, first.report?.blocked]).toEqual([1, 4])
    const again = await audit(['--block'])
    expect([again.exitCode, again.report?.blocked]).toEqual([1, 0])
    const answer = await service.as('station').post('/v1/issuances', {
      csr: Buffer.from(makeRsaRequest(sharing[0]!.subject, sharing[0]!.key)).toString('base64'),
      profile: 'rsa'
    })
    expect(problemOf(answer)).toMatchObject({ code: 'key_blocked', blockedReason: 'weak_key' })
    const owed = await service.database.prisma.outgoingEvent.groupBy({ by: ['type'], _count: true })
    expect(Object.fromEntries(owed.map(({ type, _count }) => [type, _count]))).toEqual({
      'mintline.key.disclosed': 4,
      'mintline.key.blocked': 4
    })
    const text = await runMintline(['keys', 'audit'], environment())
    expect(text.exitCode).toBe(1)
    for (const { id, subject } of [...sharing, ...twins]) {
      expect(text.output).toContain(id)
      expect(text.output).toContain(JSON.stringify(subject.CommonName))
    }
  })

  it('shows how far it is on a terminal alone, and leaves nothing of that', async () => {
    const run = async (isTerminal: boolean) => {
      const errors: string[] = []
      const io = {
        environment: environment(),
        write: () => undefined,
        writeError: (t: string) => void errors.push(t)
      }
      await runKeys({ ...io, isTerminal }, ['audit'])
      return errors
    }
    expect(await run(false)).toEqual([])
    const told = await run(true)
    expect(told.join('')).toMatch(/RSA keys read.*comparing \[#+\.*\] \d+ %/s)
    expect(told.at(-1)).toBe('\r\u001b[K')
  })

  it('ends with 2 where it cannot look, or is asked for something else', async () => {
    const away = await runMintline(['keys', 'audit'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
    expect([away.exitCode, codeOf(away)]).toEqual([2, 'database_unavailable'])
    const list = await runMintline(['keys', 'audit'], {
      ...environment(),
      MINTLINE_WEAK_KEYS_FILES: '/nowhere'
    })
    expect([list.exitCode, codeOf(list)]).toEqual([2, 'config_invalid'])
    for (const args of [[], ['purge'], ['audit', 'x'], ['audit', '--force']]) {
      const { exitCode, errors } = await runMintline(['keys', ...args])
      expect([exitCode, errors]).toEqual([2, expect.stringContaining(keysUsage.slice(0, 40)) as string])
    }
  })
})

/** Another key of the same modulus: its private exponent is the inverse of the next exponent that has one. */
function otherExponent({ modulus, exponent, privateExponent }: RsaNumbers) {
  // A multiple of the group's order is known from the pair.
  const order = exponent * privateExponent - 1n
  for (let next = exponent + 2n; ; next += 2n) {
    let [a, b, x, y] = [next, order, 1n, 0n]
    while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y]
    if (a === 1n) return { modulus, exponent: next, privateExponent: ((x % order) + order) % order }
  }
}
