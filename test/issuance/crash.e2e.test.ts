import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseTbsCertificate } from '../../src/pki/certificate/certificate.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { startIssuing, steps } from '../support/issuing.ts'
import { builtChild } from '../support/program/program.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  await startIssuing(test.database, directory.path)
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const childFile = builtChild(new URL('crash-child.ts', import.meta.url))

/** Runs the child until it dies, and gives back what it said. */
async function crash(step: string, passes: number, requests: readonly Uint8Array[]) {
  const csrFile = join(directory.path, 'requests.json')
  await writeFile(csrFile, JSON.stringify(requests.map(csr => Buffer.from(csr).toString('base64'))))
  const child = spawnSync(
    process.execPath,
    [childFile, test.connectionString, directory.path, step, String(passes), csrFile],
    { encoding: 'utf8' }
  )
  const lines = child.stdout.split('\n').map(line => line.split(' '))
  const said = (kind: string) =>
    lines.filter(([first]) => first === kind).map(([, hex = '']) => Buffer.from(hex, 'hex'))
  return { signal: child.signal, errors: child.stderr, answered: said('answered'), signing: said('signing') }
}

it.each(steps.flatMap(step => [1, 4].map(passes => [step, passes] as const)))(
  'killed %s, pass %i: what was answered is on record, what was signed is explained, and retries complete',
  async (step, passes) => {
    const requests = Array.from({ length: 60 }, (_, index) =>
      makeCertificationRequest({
        Country: 'US',
        CommonName: `${step.replaceAll(' ', '-')}-${passes}-${index}`
      })
    )
    const { signal, errors, answered, signing } = await crash(step, passes, requests)
    expect(signal, errors).toBe('SIGKILL')

    const { prisma } = test.database
    for (const certificateDer of answered) {
      expect(await prisma.issued.count({ where: { certificateDer } })).toBe(1)
    }
    for (const tbsDer of signing) {
      const { serialNumber } = parseTbsCertificate(tbsDer)
      const intent = await prisma.intent.findFirst({
        where: { serialNumber: Uint8Array.from(serialNumber) }
      })
      expect(intent && Buffer.from(intent.tbsDer)).toEqual(tbsDer)
    }

    const next = await startIssuing(test.database, directory.path)
    const results = await Promise.all(requests.map(csr => next.issue(csr)))
    const served = new Set(results.map(({ record }) => Buffer.from(record.certificateDer).toString('hex')))
    expect(served.size).toBe(requests.length)
    for (const certificateDer of answered) expect(served).toContain(certificateDer.toString('hex'))
    expect(await prisma.openIntent.count()).toBe(0)
    expect(await prisma.intent.count()).toBe(await prisma.issued.count())
  }
)
