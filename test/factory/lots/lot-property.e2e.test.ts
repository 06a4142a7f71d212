import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../../support/issuing.ts'
import { builtChild } from '../../support/program/program.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

const times = Number(process.env['FUZZ_TIMES'] ?? 1)
const devices = 1_500 * times
const quantity = 1_000 * times
const lot = 'property'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  await issuing.core.lots.create({ id: lot, profile: 'starter', quantity }, administrator)
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const childFile = builtChild(new URL('lot-child.ts', import.meta.url))

/** @param killAfterMs undefined: it is let finish. */
async function runChild(csrFile: string, seed: number, killAfterMs: number | undefined): Promise<string> {
  const child = spawn(process.execPath, [
    childFile,
    test.connectionString,
    directory.path,
    lot,
    csrFile,
    String(seed)
  ])
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const ended = once(child, 'exit')
  if (killAfterMs !== undefined) {
    await Promise.race([delay(killAfterMs), ended])
    child.kill('SIGKILL')
  }
  await ended
  return Buffer.concat(errors).toString()
}

/** Stations that send again what the service could not do at that moment. @returns for each the codes of its refusals. */
function workers(csrs: readonly Uint8Array[], number: number): readonly Promise<readonly string[]>[] {
  const waiting = [...csrs]
  return Array.from({ length: number }, async () => {
    const refusals: string[] = []
    for (let csr = waiting.shift(); csr !== undefined; csr = waiting.shift()) {
      try {
        await issuing.issue(csr, 'starter', { lot })
      } catch (error) {
        if (isMintlineError(error, 'overloaded') || isMintlineError(error, 'database_unavailable'))
          waiting.push(csr)
        else refusals.push(isMintlineError(error) ? error.code : String(error))
      }
    }
    return refusals
  })
}

async function count() {
  const { prisma } = test.database
  const row = await prisma.lot.findUniqueOrThrow({ where: { id: lot }, include: { shares: true } })
  const [intents, issued] = await Promise.all([
    prisma.intent.count({ where: { lot } }),
    prisma.issued.count()
  ])
  return { taken: row.taken, share: row.shares.reduce((sum, { taken }) => sum + taken, 0), intents, issued }
}

it('is never exceeded, not by one, whatever fails and whoever is killed, and is full in the end', async () => {
  const csrs = Array.from({ length: devices }, (_, index) =>
    makeCertificationRequest({ Country: 'US', CommonName: `lot-device-${index}` })
  )
  const csrFile = join(directory.path, 'csrs.json')
  await writeFile(csrFile, JSON.stringify(csrs.map(csr => Buffer.from(csr).toString('base64'))))

  const rounds: readonly (readonly (number | undefined)[])[] = [
    [1_500, 1_900, 2_300],
    [undefined, 2_500, undefined]
  ]
  let seed = 0
  for (const round of rounds) {
    const said = await Promise.all(round.map(killAfterMs => runChild(csrFile, ++seed, killAfterMs)))
    expect(said.join('')).toBe('')
    const { taken, share, intents, issued } = await count()
    // Each place is explained by an intent, and each certificate by a place.
    expect(taken).toBe(intents)
    expect(share).toBe(taken)
    expect(issued).toBeLessThanOrEqual(taken)
    expect(taken).toBeLessThanOrEqual(quantity)
  }

  const refusals = (await Promise.all(workers(csrs, 32))).flat()
  expect(new Set(refusals)).toEqual(new Set(['lot_full']))
  expect(refusals).toHaveLength(devices - quantity)
  expect(await count()).toEqual({ taken: quantity, share: quantity, intents: quantity, issued: quantity })
  expect(await issuing.core.lots.find(lot)).toMatchObject({ issued: quantity, open: 0 })
}, 600_000)
