import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startIssuing, steps } from '../../support/issuing.ts'
import { builtChild } from '../../support/program/program.ts'
import { breaches, device, openRework, type Rework } from './rework-test.ts'

let rework: Rework

beforeAll(async () => {
  rework = await openRework()
  await rework.postProfile('starter', { reissue: 'supersede' })
})
afterAll(() => rework.close())

const childFile = builtChild(new URL('../crash-child.ts', import.meta.url))

/** Issues until it is killed. @returns what ended it. */
async function crash(step: string, requests: readonly Uint8Array[]) {
  const csrFile = join(rework.directory, 'requests.json')
  await writeFile(csrFile, JSON.stringify(requests.map(csr => Buffer.from(csr).toString('base64'))))
  const args = [childFile, rework.connectionString, rework.directory, step, '4', csrFile]
  return spawnSync(process.execPath, args, { encoding: 'utf8' })
}

it.each(steps)(
  'killed %s: the old certificate stands until the new one is on record, and retries complete',
  async step => {
    const names = Array.from({ length: 20 }, (_, index) => `${step.replaceAll(' ', '-')}-${index}`)
    const olds: string[] = []
    for (const each of names) {
      const { id } = (await rework.issuing.issue(device(each))).record
      olds.push((await rework.release(id)).id)
    }
    const requests = names.map(each => device(each))
    const { signal, stderr } = await crash(step, requests)
    expect(signal, stderr).toBe('SIGKILL')

    expect(await rework.prisma.$queryRawUnsafe(breaches)).toEqual([])
    const counted = await rework.prisma.$queryRaw<{ recorded: number; ended: number }[]>`
      SELECT (SELECT count(*)::int FROM succession JOIN issued USING (intent_id) WHERE succeeds = ANY (${olds}::uuid[])) AS recorded,
        (SELECT count(*)::int FROM revocation WHERE intent_id = ANY (${olds}::uuid[])) AS ended`
    expect(counted[0]!.ended).toBe(counted[0]!.recorded)

    const next = await startIssuing(rework.test.database, rework.directory)
    const results = await Promise.all(requests.map(csr => next.issue(csr)))
    for (const [index, old] of olds.entries()) {
      expect(await next.records.find(old)).toMatchObject({
        supersession: { successor: results[index]!.record.id }
      })
    }
    expect(await rework.prisma.openIntent.count()).toBe(0)
    expect(await rework.prisma.$queryRawUnsafe(breaches)).toEqual([])
  }
)
