import { afterEach, expect, it } from 'vitest'
import type { StoredCrl } from '../../../../src/status/crl/crl-store.ts'
import type { CrlTarget } from '../../../../src/status/crl/publishing/crl-target.ts'
import { CrlPublisher, startPublishingCrls } from '../../../../src/status/crl/publishing/publisher.ts'

const sha256 = new Uint8Array(32)
const crlOf = (intentId: string) => ({ intentId, authorityId: 'a', number: 1n, octets: 3, sha256 })

function targetOf(name: string, find: CrlTarget['find']): CrlTarget & { calls: number } {
  const target = {
    name,
    calls: 0,
    find: (path: string, signal: AbortSignal) => {
      target.calls += 1
      return find(path, signal)
    },
    read: async () => undefined,
    put: async () => undefined,
    close: () => undefined
  }
  return target
}
const never = () => new Promise<string>(() => undefined)
const there = async () => '00'.repeat(32)

function optionsOf(targets: readonly CrlTarget[], limitMs: number) {
  let made = 1
  const published: string[] = []
  const failures: string[] = []
  const options = {
    targets,
    limitMs,
    store: {
      keepOnly: async () => undefined,
      publish: async ({ target }: { readonly target: string }, intentId: string) =>
        void published.push(`${target} ${intentId}`),
      fail: async (_: object, detail: string) => void failures.push(detail)
    },
    crls: {
      listNewest: async () => [crlOf(`crl-${made}`) as unknown as StoredCrl],
      listNewestShards: async () => [],
      readChunk: async () => new Uint8Array(3)
    },
    authorities: { list: () => [{ id: 'a', name: 'acme-g1' }] },
    clock: () => new Date(),
    log: { warn: () => undefined }
  } as unknown as ConstructorParameters<typeof CrlPublisher>[0]
  const makeAnother = () => void made++
  return { options, published, failures, makeAnother }
}

let running: ReturnType<typeof startPublishingCrls> | undefined
afterEach(async () => {
  await running?.close()
  running = undefined
})

it('a place that never answers holds up no other, and no end of the process', async () => {
  const hanging = targetOf('hanging', never)
  const { options, published, makeAnother } = optionsOf([hanging, targetOf('well', there)], 60_000)
  running = startPublishingCrls(options)
  await expect.poll(() => published).toEqual(['well crl-1'])
  makeAnother()
  await expect.poll(() => published, { timeout: 5_000 }).toEqual(['well crl-1', 'well crl-2'])
  await running.close()
  running = undefined
  expect(hanging.calls).toBe(1)
})

it('is given up after a while, told, and asked no more before that call has ended', async () => {
  let answer: ((hash: string) => void) | undefined
  const late = targetOf('late', () => new Promise<string>(resolve => void (answer ??= resolve)))
  const { options, published, failures } = optionsOf([late], 50)
  let atMs = 0
  const publisher = new CrlPublisher({ ...options, stopwatch: () => atMs })
  const { signal } = new AbortController()
  await publisher.step(signal)
  expect(failures).toEqual([expect.stringMatching(/late did not answer within 0\.05 seconds/)])
  atMs += 3_600_000
  await publisher.step(signal)
  expect([late.calls, failures[1]]).toEqual([1, expect.stringMatching(/has not answered an earlier call/)])
  answer!('00'.repeat(32))
  late.find = there
  await new Promise(setImmediate)
  atMs += 3_600_000
  await publisher.step(signal)
  expect(published).toEqual(['late crl-1'])
})
