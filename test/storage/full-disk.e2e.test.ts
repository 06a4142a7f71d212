import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Readiness } from '../../src/monitoring/readiness.ts'
import { runMintline } from '../cli/mintline.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import {
  postCsr,
  postCsrForChain,
  type ServiceProcess,
  startServiceProcess
} from '../support/service-process.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'

const mebibyte = 1024 ** 2

/** A volume of its own, small enough to be filled. Undefined where this user may not mount one. */
async function mountSmallVolume() {
  const directory = await createTemporaryDirectory()
  const { path } = directory
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=260m,mode=755', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    await directory.remove()
    return undefined
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    /** Leaves so many bytes free, or none. */
    async fill(leftBytes = 0) {
      const { bavail, bsize } = await statfs(path)
      await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)), { flag: 'a' }).catch(
        (error: NodeJS.ErrnoException) => expect(error.code).toBe('ENOSPC')
      )
    },
    empty: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['--lazy', path])
      await directory.remove()
    }
  }
}

async function readiness({ url }: ServiceProcess) {
  const response = await fetch(`${url}/readyz`)
  return { status: response.status, checks: ((await response.json()) as Readiness).checks }
}

/** Posts over a few connections, each CSR until it is issued; gives back chain by name. */
function startLoad(service: ServiceProcess, token: string) {
  const chains = new Map<string, string>()
  const csrs = new Map<string, Uint8Array>()
  const refusals: { status: number; detail: string; retryAfter: string | null }[] = []
  let isOver = false

  async function issue(name: string): Promise<void> {
    const csr = makeCertificationRequest({ Country: 'US', CommonName: name })
    csrs.set(name, csr)
    for (;;) {
      const response = await postCsrForChain(service, token, csr)
      if (response.ok) return void chains.set(name, await response.text())
      const { detail } = (await response.json()) as { detail: string }
      refusals.push({ status: response.status, detail, retryAfter: response.headers.get('retry-after') })
      await pause(100)
    }
  }

  const workers = Array.from({ length: 8 }, async (_, worker) => {
    for (let n = 0; !isOver; n++) await issue(`full-${worker}-${n}`)
  })
  return {
    chains,
    csrs,
    refusals,
    async end() {
      isOver = true
      await Promise.all(workers)
    }
  }
}

/** Unless it has ended by itself, as it does when it cannot write its log. */
async function endPostgres(path: string): Promise<void> {
  const pid = await readFile(join(path, 'postgres/cluster/postmaster.pid'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => expect(error.code).toBe('ENOENT')
  )
  if (typeof pid === 'string') process.kill(Number.parseInt(pid, 10), 'SIGQUIT')
}

it('a full disk costs 503 that say so, loses and doubles nothing, and needs no restart', async ({ skip }) => {
  const volume = await mountSmallVolume()
  if (volume === undefined) skip('this user may not mount a small volume')
  await using small = volume!
  const service = await startServiceProcess(small.path, { MINTLINE_LOG_LEVEL: 'warn' }, { isFirst: true })
  try {
    expect(await readiness(service)).toMatchObject({ status: 200, checks: { storage: { ok: true } } })
    const load = startLoad(service, await service.token('station'))
    await expect.poll(() => load.chains.size, { timeout: 20_000 }).toBeGreaterThan(20)

    await small.fill(20 * mebibyte)
    await pause(1_100)
    // Less than the reserve, and goes on.
    expect(await readiness(service)).toMatchObject({ status: 200, checks: { storage: { ok: false } } })
    const before = load.chains.size
    await expect.poll(() => load.chains.size, { timeout: 20_000 }).toBeGreaterThan(before)

    await small.fill()
    await expect.poll(() => load.refusals.length, { timeout: 20_000 }).toBeGreaterThan(10)
    await pause(1_100)
    const full = await readiness(service)
    expect([full.status, full.checks.database.detail]).toEqual([503, expect.stringMatching(/disk.* full/)])
    // The server ends in the middle of it, and comes back by itself.
    await endPostgres(small.path)
    await pause(1_500)
    expect((await readiness(service)).checks.database.detail).toMatch(/disk.* full/)
    await pause(1_500)

    await small.empty()
    await expect.poll(async () => (await readiness(service)).status, { timeout: 30_000 }).toBe(200)
    const issuedBefore = load.chains.size
    await expect.poll(() => load.chains.size, { timeout: 20_000 }).toBeGreaterThan(issuedBefore + 8)
    await load.end()

    for (const { status, detail, retryAfter } of load.refusals) {
      expect([status, detail]).toEqual([503, expect.stringMatching(/full|cannot be reached/)])
      expect(Number(retryAfter)).toBeGreaterThan(0)
    }
    expect(load.refusals.filter(({ detail }) => detail.includes('full')).length).toBeGreaterThan(5)
    // The same bytes for each, and each serial number once.
    const token = await service.token('station')
    for (const [name, chain] of load.chains) {
      expect(await (await postCsrForChain(service, token, load.csrs.get(name)!)).text()).toBe(chain)
    }
    const serials = [...load.chains.values()].map(chain => new X509Certificate(chain).serialNumber)
    expect(new Set(serials).size).toBe(serials.length)
    const auditor = { headers: { authorization: `Bearer ${await service.token('auditor')}` } }
    const open = await fetch(`${service.url}/v1/issuances?outcome=unknown`, auditor)
    expect(await open.json()).toEqual({ items: [] })
    const told = service.output().match(/"freeBytes":.*the reserve/g) ?? []
    expect(told.length).toBe(1)
  } finally {
    expect(await service.end('SIGTERM')).toBe(0)
  }
}, 120_000)

it('a start on a full disk ends, and names the data directory and what is free', async ({ skip }) => {
  const volume = await mountSmallVolume()
  if (volume === undefined) skip('this user may not mount a small volume')
  await using small = volume!
  const environment = { MINTLINE_DATA_DIR: small.path, MINTLINE_PORT: '0', MINTLINE_LOG_LEVEL: 'silent' }
  // Nothing is there yet, then all but the room to run.
  for (const isMade of [false, true]) {
    if (isMade) {
      const service = await startServiceProcess(
        small.path,
        { MINTLINE_LOG_LEVEL: 'silent' },
        { isFirst: true }
      )
      await postCsr(
        service,
        await service.token('station'),
        makeCertificationRequest({ Country: 'US', CommonName: 'one' })
      )
      expect(await service.end('SIGTERM')).toBe(0)
    }
    await small.fill(isMade ? 0 : 4 * mebibyte)
    const ended = await runMintline(['serve'], environment)
    expect([ended.exitCode, ended.errors]).toEqual([1, expect.stringContaining('data_directory_unusable')])
    expect(ended.errors).toContain(small.path)
    expect(ended.errors).toMatch(/is full: .* free/)
    await small.empty()
  }
  const service = await startServiceProcess(small.path, { MINTLINE_LOG_LEVEL: 'silent' }, { isFirst: true })
  expect((await readiness(service)).status).toBe(200)
  expect(await service.end('SIGTERM')).toBe(0)
}, 120_000)
