import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openCrls } from '../../../../src/composition/status/crl.ts'
import { openCrlTargets, openPublications } from '../../../../src/composition/status/publishing.ts'
import { readConfig } from '../../../../src/config/config.ts'
import { createCrlStore } from '../../../../src/status/crl/crl-store.ts'
import type { CrlTarget } from '../../../../src/status/crl/publishing/crl-target.ts'
import { createPublicationStore } from '../../../../src/status/crl/publishing/publication-store.ts'
import { CrlPublisher } from '../../../../src/status/crl/publishing/publisher.ts'
import { createTestCore, type TestCore } from '../../../support/core.ts'
import { type Issuing, startIssuing } from '../../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'
import { openMaking } from '../making-crls.ts'
import { s3Credentials, startS3Store } from './s3-store.ts'

const running = new AbortController().signal
const path = 'v1/authorities/starter-g1/crl'
const region = 'eu-central-1'

let test: TestDatabase
let data: TemporaryDirectory
let places: TemporaryDirectory
let store: Awaited<ReturnType<typeof startS3Store>>
let issuing: Issuing
let making: ReturnType<typeof openMaking>
let core: TestCore
let targets: readonly CrlTarget[]
let offsetMs = 0
const clock = () => new Date(Date.now() + offsetMs)
const before = { ...process.env }

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = s3Credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = s3Credentials.secretAccessKey
  test = await createTestDatabase()
  data = await createTemporaryDirectory()
  places = await createTemporaryDirectory()
  store = await startS3Store('crls', region)
  issuing = await startIssuing(test.database, data.path)
  making = openMaking(issuing.core)
  core = createTestCore(test.database, data.path, {
    clock,
    settings: {
      MINTLINE_CRL_DIRECTORY: places.path,
      MINTLINE_CRL_S3_BUCKET: 'crls/factory',
      MINTLINE_CRL_S3_REGION: region,
      MINTLINE_CRL_S3_ENDPOINT: store.url
    }
  })
  await core.authorities.refresh()
  targets = await openCrlTargets(core.config)
})
afterAll(async () => {
  process.env = before
  for (const target of targets) target.close()
  store.close()
  await test.drop()
  await data.remove()
  await places.remove()
})

/** A process that has the duty from now on. */
function openPublisher() {
  let atMs = 0
  const warnings: string[] = []
  const publisher = new CrlPublisher({
    ...core,
    targets,
    store: createPublicationStore(test.database),
    crls: createCrlStore(test.database),
    stopwatch: () => atMs,
    log: { warn: (_fields, message) => void warnings.push(message) }
  })
  return {
    warnings,
    step: (signal = running) => publisher.step(signal),
    pass: (ms: number) => (atMs += ms)
  }
}

let publisher: ReturnType<typeof openPublisher>
beforeEach(async () => {
  publisher = openPublisher()
  store.state.fault = undefined
  offsetMs = 0
  await making.step()
})

async function makeAnother(): Promise<Buffer> {
  await test.owner.prisma.$executeRaw`INSERT INTO crl_change (authority_id) SELECT id FROM authority`
  await making.step()
  return (await making.read()).der
}

const ofDirectory = () => readFile(join(places.path, path))
const ofStore = () => store.objects.get(`factory/${path}`)
const faults = () => openPublications(core).faults()
const folder = () => join(places.path, 'v1/authorities/starter-g1')

describe('a new CRL', () => {
  it('is put as a file into the directory and the bucket, under the path of the service', async () => {
    const { der } = await making.read()
    await publisher.step()
    expect(await ofDirectory()).toEqual(der)
    expect((await stat(join(places.path, path))).mode & 0o777).toBe(0o644)
    expect(await readdir(folder())).toEqual(['crl'])
    expect(ofStore()?.content).toEqual(der)
    expect(ofStore()?.headers).toMatchObject({
      'content-type': 'application/pkix-crl',
      'cache-control': 'public, max-age=5'
    })
    expect(await faults()).toEqual([])
  })

  it('takes the place of the one before, and is sent once', async () => {
    await publisher.step()
    const der = await makeAnother()
    const puts = () => store.requests.filter(each => each.startsWith('PUT')).length
    const so = puts()
    await publisher.step()
    await publisher.step()
    expect(await ofDirectory()).toEqual(der)
    expect(ofStore()?.content).toEqual(der)
    expect(puts()).toBe(so + 1)
    // Nor is it sent again by who has the duty next.
    await openPublisher().step()
    expect(puts()).toBe(so + 1)
  })

  it('is put there again where somebody has taken it away or changed it', async () => {
    await publisher.step()
    const { der } = await making.read()
    await rm(join(places.path, path))
    store.objects.clear()
    await publisher.step()
    expect(existsSync(join(places.path, path))).toBe(false)
    publisher.pass(600_000)
    await publisher.step()
    expect(await ofDirectory()).toEqual(der)
    expect(ofStore()?.content).toEqual(der)
    await writeFile(join(places.path, path), 'something else')
    publisher.pass(600_000)
    await publisher.step()
    expect(await ofDirectory()).toEqual(der)
  })

  it('is not put over one that is signed with the same key and not on record, as after a restore, and that is told', async () => {
    await publisher.step()
    const ours = (await making.read()).der
    const lost = await makeAnother()
    const { number } = await making.read()
    await publisher.step()
    expect(await ofDirectory()).toEqual(lost)
    const { prisma } = test.owner
    // As a backup has it that was made before.
    for (const table of ['crl', 'crl_intent', 'crl_number']) {
      await prisma.$executeRawUnsafe(`ALTER TABLE ${table} DISABLE TRIGGER append_only`)
      const which =
        table === 'crl' ? 'intent_id IN (SELECT id FROM crl_intent WHERE number = $1)' : 'number = $1'
      await prisma.$executeRawUnsafe(`DELETE FROM ${table} WHERE ${which}`, BigInt(number))
      await prisma.$executeRawUnsafe(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER append_only`)
    }
    await prisma.$executeRaw`DELETE FROM crl_publication`
    const later = openPublisher()
    await later.step()
    expect(later.warnings).toHaveLength(2)
    // Nor is the next one, which has a higher number, and may lack what that one revokes.
    for (const after of [ours, await makeAnother()]) {
      later.pass(61_000)
      // As a copy by somebody else, which tells no hash.
      delete ofStore()!.headers['x-amz-meta-sha256']
      await later.step()
      expect(after).not.toEqual(lost)
      expect(await ofDirectory()).toEqual(lost)
      expect(ofStore()?.content).toEqual(lost)
    }
    offsetMs = 200_000
    const told = await faults()
    expect(told).toHaveLength(2)
    for (const each of told) expect(each).toContain(`Its number is ${number}`)
    offsetMs = 0
    await rm(join(places.path, path))
    store.objects.clear()
    later.pass(61_000)
    await later.step()
    expect(await ofDirectory()).toEqual((await making.read()).der)
    expect(await faults()).toEqual([])
  })

  it('is put over one of another key, which is none of ours', async () => {
    await publisher.step()
    const { der } = await making.read()
    const foreign = Buffer.from(der)
    foreign[foreign.length - 1]! ^= 1
    await writeFile(join(places.path, path), foreign)
    publisher.pass(600_000)
    await publisher.step()
    expect(await ofDirectory()).toEqual(der)
  })

  it('is not put anywhere where its octets were changed in the database', async () => {
    await publisher.step()
    const good = await ofDirectory()
    const der = await makeAnother()
    const { id } = await test.database.prisma.crlIntent.findFirstOrThrow({ orderBy: { number: 'desc' } })
    await test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk DISABLE TRIGGER USER`
    const change = (by: number) => test.owner.prisma.$executeRaw`
      UPDATE crl_chunk SET octets = set_byte(octets, 20, get_byte(octets, 20) # ${by}) WHERE intent_id = ${id}::uuid`
    await change(1)
    await publisher.step()
    expect(await ofDirectory()).toEqual(good)
    expect(ofStore()?.content).toEqual(good)
    offsetMs = 200_000
    expect((await faults()).join()).toContain('was changed in the database')
    await change(1)
    await test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk ENABLE ALWAYS TRIGGER stays_as_it_is`
    await test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk ENABLE ALWAYS TRIGGER newest_stays`
    await openPublisher().step()
    expect(await ofDirectory()).toEqual(der)
  })

  it('leaves a part of a file that was cut off for an hour, and no longer', async () => {
    await publisher.step()
    const part = (digit: number) => join(folder(), `.00000000-0000-4000-8000-00000000000${digit}.part`)
    await writeFile(part(1), '')
    await writeFile(part(2), '')
    const longAgo = new Date(Date.now() - 2 * 3_600_000)
    await utimes(part(1), longAgo, longAgo)
    await makeAnother()
    await publisher.step()
    expect((await readdir(folder())).sort()).toEqual([part(2).slice(folder().length + 1), 'crl'])
    await rm(part(2))
  })
})

describe('a place that fails', () => {
  it('holds up no other, is told, and gets the CRL when it is back', async () => {
    await publisher.step()
    const der = await makeAnother()
    store.state.fault = 'busy'
    await publisher.step()
    expect(await ofDirectory()).toEqual(der)
    expect(ofStore()?.content).not.toEqual(der)
    expect(publisher.warnings).toEqual(['a CRL could not be put to s3://crls/factory; tried again'])
    expect(await faults()).toEqual([])
    offsetMs = 200_000
    expect(await faults()).toEqual([
      expect.stringMatching(/starter-g1 cannot be put to s3:\/\/crls\/factory since/)
    ])
    const { ok, detail } = await openCrls(core, new Registry()).examine()
    expect([ok, detail]).toEqual([false, expect.stringContaining('s3://crls/factory')])
    const asked = store.requests.length
    await publisher.step()
    expect(store.requests.length).toBe(asked)
    store.state.fault = undefined
    publisher.pass(5_000)
    await publisher.step()
    expect(ofStore()?.content).toEqual(der)
    expect(await faults()).toEqual([])
    expect(publisher.warnings).toHaveLength(1)
  })

  it('rests for longer and longer, a minute at most', async () => {
    await publisher.step()
    await makeAnother()
    store.state.fault = 'denied'
    const tried: number[] = []
    for (let seconds = 0; seconds < 300; seconds += 5) {
      const asked = store.requests.length
      await publisher.step()
      if (store.requests.length > asked) tried.push(seconds)
      publisher.pass(5_000)
    }
    expect(tried).toEqual([0, 5, 15, 35, 75, 135, 195, 255])
  })

  it('is a directory that is not there, and is not made', async () => {
    await publisher.step()
    const away = `${places.path}-away`
    await rename(places.path, away)
    try {
      const der = await makeAnother()
      await publisher.step()
      expect(existsSync(places.path)).toBe(false)
      expect(ofStore()?.content).toEqual(der)
      offsetMs = 200_000
      expect((await faults()).join()).toMatch(/cannot be used \(ENOENT\)/)
    } finally {
      await rename(away, places.path)
    }
    publisher.pass(5_000)
    await publisher.step()
    expect(await faults()).toEqual([])
  })

  it('is a directory that is a file', async () => {
    await publisher.step()
    await rm(join(places.path, path))
    await mkdir(join(places.path, path))
    publisher.pass(600_000)
    await publisher.step()
    offsetMs = 200_000
    expect((await faults()).join()).toMatch(/cannot be used \(EISDIR\)/)
    await rm(join(places.path, path), { recursive: true })
  })

  it('is told by the metrics', async () => {
    const registry = new Registry()
    openCrls(core, registry)
    store.state.fault = 'busy'
    await makeAnother()
    await publisher.step()
    offsetMs = 100_000
    const { values } = await registry.getSingleMetric('mintline_crl_unpublished_seconds')!.get()
    const of = (target: string) => values.find(({ labels }) => labels['target'] === target)?.value
    expect(of(places.path)).toBe(0)
    expect(of('s3://crls/factory')).toBeGreaterThan(99)
  })

  it('that is not set any more is forgotten', async () => {
    await publisher.step()
    const only = new CrlPublisher({
      ...core,
      targets: targets.slice(0, 1),
      store: createPublicationStore(test.database),
      crls: createCrlStore(test.database)
    })
    await only.tidy()
    const rows = await test.database.prisma.crlPublication.findMany()
    expect(rows.map(({ target }) => target)).toEqual([places.path])
  })
})

describe('a store', () => {
  const file = {
    path,
    octets: 3,
    sha256: new Uint8Array(32),
    read: async function* () {
      yield Buffer.from('crl')
    }
  }

  it('that finds another hash than was signed refuses the file', async () => {
    await expect(targets[1]!.put(file, running)).rejects.toMatchObject({ code: 'crl_target_failed' })
  })

  it.each([
    ['another secret', { secretAccessKey: 'wrong' }, /SignatureDoesNotMatch/],
    ['another bucket', { MINTLINE_CRL_S3_BUCKET: 'others' }, /NoSuchBucket/]
  ])('refuses by %s, which is told', async (_, change, told) => {
    const { secretAccessKey, ...settings } = { secretAccessKey: s3Credentials.secretAccessKey, ...change }
    process.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey
    const { config } = createTestCore(test.database, data.path, {
      settings: {
        MINTLINE_CRL_S3_BUCKET: 'crls',
        MINTLINE_CRL_S3_REGION: region,
        MINTLINE_CRL_S3_ENDPOINT: store.url,
        ...settings
      }
    })
    const [target] = await openCrlTargets(config)
    const content = Buffer.from('crl')
    const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', content))
    const putting = target!.put({ ...file, sha256 }, running)
    await expect(putting).rejects.toMatchObject({
      code: 'crl_target_failed',
      message: expect.stringMatching(told) as string
    })
    target!.close()
    process.env['AWS_SECRET_ACCESS_KEY'] = s3Credentials.secretAccessKey
  })

  it('that does not answer is left when the service stops', async () => {
    store.state.fault = 'silent'
    const stopping = new AbortController()
    const finding = targets[1]!.find(path, stopping.signal)
    stopping.abort(new Error('stop'))
    await expect(finding).rejects.toThrow('stop')
  })
})

describe('the settings', () => {
  const pointersOf = (settings: Readonly<Record<string, string>>) =>
    readConfig({ MINTLINE_DATA_DIR: '/tmp', ...settings }).violations.map(({ pointer }) => pointer)

  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['the bucket without the region', { MINTLINE_CRL_S3_BUCKET: 'crls' }, ['MINTLINE_CRL_S3_REGION']],
    ['the region without the bucket', { MINTLINE_CRL_S3_REGION: region }, ['MINTLINE_CRL_S3_BUCKET']],
    [
      'the endpoint without the bucket',
      { MINTLINE_CRL_S3_ENDPOINT: 'http://127.0.0.1:9000' },
      ['MINTLINE_CRL_S3_ENDPOINT']
    ],
    [
      'a bucket of no name',
      { MINTLINE_CRL_S3_BUCKET: 'S3://crls', MINTLINE_CRL_S3_REGION: region },
      ['MINTLINE_CRL_S3_BUCKET']
    ]
  ])('refuse %s', (_, settings, pointers) => {
    expect(pointersOf(settings)).toEqual(pointers)
  })
})
