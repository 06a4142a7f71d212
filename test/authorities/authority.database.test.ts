import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRefresh } from '../../src/authorities/refresh.ts'
import { findWarnings } from '../../src/authorities/rotation/warnings.ts'
import { listenForChanges } from '../../src/database/sessions/notifications.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import {
  act,
  createTestAdministration,
  obstaclesOf,
  selfSigned
} from '../support/authority-administration.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'
import { startTestAdministration, type TestAdministration } from '../support/test-administration.ts'

let parts: TestAdministration

beforeAll(async () => {
  parts = await startTestAdministration()
})

afterAll(() => parts.stop())

describe('who signs', () => {
  it('is the active generation; an intent of the one before is finished while that is retiring', async () => {
    const { administration, authorities } = parts
    const first = await parts.activeGeneration('signing')
    const { id } = await authorities.issuing('signing')
    await parts.activeGeneration('signing')
    expect((await authorities.issuing('signing')).name).toBe('signing-g2')
    const finishing = await authorities.issuingById(id)
    expect(finishing.name).toBe(first)
    expect((await finishing.signer.sign(new Uint8Array(10))).length).toBeGreaterThan(0)
    await administration.retire(first, { abandon: false }, act)
    await expect(authorities.issuingById(id)).rejects.toMatchObject({ code: 'authority_unavailable' })
  })

  it('is nobody once the active generation is compromised', async () => {
    const name = await parts.activeGeneration('lost')
    await parts.administration.compromise(name, act)
    await expect(parts.authorities.issuing('lost')).rejects.toMatchObject({ code: 'authority_unavailable' })
  })

  it('is one key, and another key that cannot be reached keeps it from nothing', async () => {
    await parts.activeGeneration('near')
    await parts.activeGeneration('far')
    const far = parts.authorities.list().find(({ line }) => line === 'far')!
    const isFar = (reference: object) => JSON.stringify(reference) === JSON.stringify(far.signerReference)
    const other = createTestAdministration(parts.test.database, parts.data.path, {
      wrapOpener: open => async reference => {
        if (isFar(reference)) throw new MintlineError('signer_unavailable', 'The key store is away.')
        return open(reference)
      }
    })
    await other.authorities.refresh()
    expect(await obstaclesOf(other.authorities)).toMatchObject({ near: undefined, far: 'signer_unavailable' })
    expect((await other.authorities.issuing('near')).line).toBe('near')
    await expect(other.authorities.issuing('far')).rejects.toMatchObject({ code: 'signer_unavailable' })
    await other.authorities.close()
  })

  it('is not opened with another passphrase', async () => {
    await parts.activeGeneration('locked')
    await using elsewhere = await createTemporaryDirectory()
    await writeFile(join(elsewhere.path, 'ca-passphrase'), 'wrong horse\n')
    const other = createTestAdministration(parts.test.database, elsewhere.path)
    await other.authorities.refresh()
    expect(await obstaclesOf(other.authorities)).toMatchObject({ locked: 'authority_unavailable' })
    await expect(other.authorities.issuing('locked')).rejects.toMatchObject({
      code: 'authority_unavailable',
      cause: { code: 'key_unusable' }
    })
  })
})

describe('the plan of a rotation', () => {
  const need = (validityDays: number) => async () => [{ profile: 'sensor', line: 'planned', validityDays }]
  const pointersOf = async (validityDays: number) => {
    const planning = createTestAdministration(parts.test.database, parts.data.path, {
      listNeeds: need(validityDays)
    })
    const { missing, ready } = await planning.administration.plan('planned')
    expect(ready).toBe(missing.length === 0)
    return missing.map(({ pointer }) => pointer)
  }

  it('names what is missing, step by step', async () => {
    await parts.activeGeneration('planned')
    expect(await pointersOf(30)).toEqual(['/successor'])
    const pending = await parts.administration.create(
      selfSigned('planned', { certificate: { kind: 'external' } }),
      act
    )
    expect(await pointersOf(30)).toEqual(['/successor/certificate'])
    await parts.administration.compromise(pending, act)
    await parts.administration.create(selfSigned('planned'), act)
    expect(await pointersOf(30)).toEqual([])
    expect(await pointersOf(9999)).toEqual(['/profiles/sensor/validity'])
    expect(await pointersOf(Infinity)).toEqual(['/profiles/sensor/validity'])
  })

  it('finds a key that cannot be used', async () => {
    const away = createTestAdministration(parts.test.database, parts.data.path, {
      wrapOpener: () => async () => {
        throw new MintlineError('signer_disabled', 'The key is disabled.')
      }
    })
    const { missing } = await away.administration.plan('planned')
    expect(missing).toMatchObject([{ pointer: '/successor/key', found: 'signer_disabled' }])
  })

  it('finds an eleventh CA of one subject', async () => {
    const request = selfSigned('crowded', { generationInSubject: false })
    for (let count = 1; count <= 10; count++) await parts.administration.create(request, act)
    expect((await parts.administration.plan('crowded')).ready).toBe(true)
    await parts.administration.create(request, act)
    expect((await parts.administration.plan('crowded')).missing).toMatchObject([
      { pointer: '/successor/subject' }
    ])
  })

  it('is not made for a line that does not exist', async () => {
    await expect(parts.administration.plan('nowhere')).rejects.toMatchObject({ code: 'authority_not_found' })
  })
})

describe('warnings', () => {
  it('tell of a CA that expires within the validity of its profiles, and of the starter', async () => {
    await parts.activeGeneration('starter')
    const starter = parts.authorities.list().filter(({ line }) => line === 'starter')
    const kinds = (days: number) =>
      findWarnings(starter, [{ profile: 'a', line: 'starter', validityDays: days }], new Date()).map(
        ({ kind }) => kind
      )
    expect(kinds(100)).toEqual(['starter_in_use'])
    expect(kinds(9126)).toEqual(['expires_within_validity', 'starter_in_use'])
  })

  it('tell of a line that a profile names and nobody issues for', async () => {
    const needs = [{ profile: 'a', line: 'vacant', validityDays: 1 }]
    const found = () => findWarnings(parts.authorities.list(), needs, new Date())
    const vacancy = { kind: 'none_active', authority: 'vacant' }
    const name = await parts.administration.create(selfSigned('vacant'), act)
    expect(found()).toContainEqual(expect.objectContaining(vacancy))
    await parts.administration.activate(name, act)
    expect(found()).not.toContainEqual(expect.objectContaining(vacancy))
    await parts.administration.compromise(name, act)
    expect(found()).toContainEqual(expect.objectContaining(vacancy))
  })
})

describe('changes of another process', () => {
  it('are told, also after the connection was lost', async () => {
    const changes: (string | undefined)[] = []
    let losses = 0
    const notifications = listenForChanges({
      connectionString: parts.test.connectionString,
      onChange: table => changes.push(table),
      onConnectionLost: () => losses++
    })
    await expect.poll(() => changes, { timeout: 5_000 }).toEqual([undefined])
    await parts.activeGeneration('told')
    await expect.poll(() => changes).toContain('authority')
    await parts.test.owner.prisma.$queryRaw`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'mintline-listen' AND datname = current_database()`
    await expect.poll(() => changes.at(-1), { timeout: 8_000 }).toBe(undefined)
    expect(losses).toBeGreaterThan(0)
    await notifications.close()
  })
})

describe('a shared refresh', () => {
  it('costs two reads for any number of callers, and none gets a read from before it asked', async () => {
    let reads = 0
    const gates: (() => void)[] = []
    const refresh = createRefresh(() => {
      reads++
      return new Promise(resolve => gates.push(resolve))
    })
    const first = refresh()
    const later = [refresh(), refresh(), refresh()]
    expect(reads).toBe(1)
    gates[0]!()
    await first
    await expect.poll(() => reads).toBe(2)
    gates[1]!()
    await Promise.all(later)
    expect(reads).toBe(2)
  })
})
