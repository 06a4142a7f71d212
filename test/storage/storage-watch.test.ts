import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { describeBytes, type Storage } from '../../src/storage/storage.ts'
import { createStorageWatch, type StorageWatch } from '../../src/storage/storage-watch.ts'

const mebibyte = 1024 ** 2
const lines: string[] = []
const log = { info: () => void lines.push('info'), warn: () => void lines.push('warn') }

let elapsedMs = 0
let freeBytes = 0
let measured = 0
let watch: StorageWatch
const volume: Storage = {
  measure: async () => {
    measured++
    return { freeBytes, totalBytes: 1000 * mebibyte }
  },
  place: 'on the volume',
  remedy: 'Make room',
  isPhysical: true,
  facts: {}
}

function open(storage: Storage | undefined): void {
  watch = createStorageWatch({ storage, log, stopwatch: () => elapsedMs })
}

const checkLater = () => {
  elapsedMs += 1_001
  return watch.check()
}

const unreachable = () =>
  new MintlineError('database_unavailable', 'Cannot be reached.', { retryAfterSeconds: 2 })

const failedWith = (code: string) =>
  new MintlineError('database_unavailable', 'Failed.', { cause: Object.assign(new Error('told'), { code }) })

const full = () =>
  new MintlineError('database_unavailable', 'Is full.', {
    cause: Object.assign(new Error('could not extend file'), { code: '53100' })
  })

beforeEach(() => {
  lines.length = measured = elapsedMs = 0
  freeBytes = 500 * mebibyte
})
afterEach(() => watch.close())

it('touches the reserve below a tenth, and tells once when it begins and once when it ends', async () => {
  open(volume)
  expect([(await watch.check()).ok, watch.isReserveTouched()]).toEqual([true, false])
  freeBytes = 99 * mebibyte
  for (let i = 0; i < 3; i++) expect((await checkLater()).ok).toBe(false)
  expect([watch.isReserveTouched(), lines]).toEqual([true, ['warn']])
  // At the edge it stays as it is.
  freeBytes = 101 * mebibyte
  expect((await checkLater()).ok).toBe(false)
  freeBytes = 106 * mebibyte
  expect((await checkLater()).ok).toBe(true)
  expect([watch.isReserveTouched(), lines]).toEqual([false, ['warn', 'info']])
})

it('has a reserve of 1 GiB at most', async () => {
  open({ ...volume, measure: async () => ({ freeBytes: 1024 ** 3, totalBytes: 1024 ** 4 }) })
  expect(await watch.measure()).toMatchObject({ reserveBytes: 1024 ** 3 })
  expect(watch.isReserveTouched()).toBe(false)
})

it('measures once a second at most, whoever asks', async () => {
  open(volume)
  for (let i = 0; i < 5; i++) await Promise.all([watch.check(), watch.measure()])
  expect(measured).toBe(1)
  await checkLater()
  expect(measured).toBe(2)
})

it('goes on measuring by itself, each second while room is short', async () => {
  vi.useFakeTimers()
  try {
    open(volume)
    const pass = async (ms: number) => {
      elapsedMs += ms
      await vi.advanceTimersByTimeAsync(ms)
    }
    await pass(0)
    freeBytes = 0
    await pass(9_000)
    expect(watch.isReserveTouched()).toBe(false)
    await pass(1_500)
    expect(watch.isReserveTouched()).toBe(true)
    freeBytes = 500 * mebibyte
    await pass(1_500)
    expect(watch.isReserveTouched()).toBe(false)
  } finally {
    vi.useRealTimers()
  }
})

it('waits two seconds for a volume that does not answer, and asks it once', async () => {
  vi.useFakeTimers()
  try {
    let asked = 0
    open({ ...volume, measure: () => (asked++, new Promise(() => undefined)) })
    const checking = Promise.all([watch.check(), watch.check()])
    await vi.advanceTimersByTimeAsync(2_100)
    expect((await checking).map(({ ok }) => ok)).toEqual([true, true])
    expect([asked, watch.isReserveTouched()]).toEqual([1, false])
  } finally {
    vi.useRealTimers()
  }
})

it('stays with what it knew when it cannot measure any more, and says so once', async () => {
  let isBroken = false
  freeBytes = 0
  open({ ...volume, measure: async () => (isBroken ? Promise.reject(new Error('gone')) : volume.measure()) })
  await watch.check()
  isBroken = true
  for (let i = 0; i < 3; i++) expect((await checkLater()).ok).toBe(false)
  expect([watch.isReserveTouched(), lines]).toEqual([true, ['warn', 'warn']])
})

it('says of a lost connection that there is no room where there is next to none', async () => {
  open(volume)
  await watch.check()
  expect(watch.explain(unreachable())).toMatchObject({ detail: 'Cannot be reached.', retryAfterSeconds: 2 })
  freeBytes = 5 * mebibyte
  await checkLater()
  expect(watch.explain(unreachable())).toMatchObject({
    code: 'database_unavailable',
    detail: expect.stringContaining('5.0 MiB') as string,
    retryAfterSeconds: 10
  })
  const other = new MintlineError('overloaded', 'Later.')
  expect(watch.explain(other)).toBe(other)
  // A database that answers may still write.
  expect(watch.obstacle()).toBeUndefined()
  freeBytes = 0
  await checkLater()
  expect(watch.obstacle()).toContain('0 bytes')
})

it('takes the word of a database elsewhere that its disk is full, for a while', async () => {
  open(undefined)
  expect(await watch.check()).toMatchObject({
    ok: true,
    detail: expect.stringContaining('not watched') as string
  })
  expect([watch.obstacle(), watch.isReserveTouched()]).toEqual([undefined, false])
  const told = full()
  expect(watch.explain(told)).toBe(told)
  expect(watch.obstacle()).toBeDefined()
  elapsedMs += 15_000
  expect(watch.obstacle()).toBeUndefined()
})

it('sees for itself that there is room again on its own volume', async () => {
  freeBytes = 20 * mebibyte
  open(volume)
  await watch.check()
  watch.explain(full())
  expect(watch.obstacle()).toBeDefined()
  freeBytes = 500 * mebibyte
  await checkLater()
  expect(watch.obstacle()).toBeUndefined()
})

it('names bytes in a unit that people read', () => {
  expect([0, 1023, 1536, 1024 ** 3].map(describeBytes)).toEqual([
    '0 bytes',
    '1023 bytes',
    '1.5 KiB (1536 bytes)',
    '1.0 GiB (1073741824 bytes)'
  ])
})

it('says that the disk is full only of a connection that was lost, and else that it may be', async () => {
  freeBytes = 20 * mebibyte
  open(volume)
  await watch.check()
  for (const code of ['ECONNREFUSED', 'ECONNRESET', '57P01', '08006', 'P1001'])
    expect(watch.explain(failedWith(code)).detail).toMatch(/disk is full.*20\.0 MiB/)
  for (const code of ['57014', 'P2024', '53300', '55P03']) {
    const { detail } = watch.explain(failedWith(code))
    expect(detail).not.toMatch(/is full/)
    expect(detail).toMatch(/20\.0 MiB.*may be why/)
  }
})
