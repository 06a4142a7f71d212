import { randomUUID } from 'node:crypto'
import { readdir, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { type LinesProcess, startLinesProcess } from './lines-process.ts'

let lines: LinesProcess

beforeAll(async () => {
  lines = await startLinesProcess()
})

afterAll(() => lines.stop())

const device = (name: string) => makeCertificationRequest({ Country: 'US', CommonName: name })

async function keyFileOf(line: string): Promise<string> {
  const where = { line, state: 'active' } as const
  const { signer } = await lines.test.database.prisma.authority.findFirstOrThrow({ where })
  const { keyFile } = signer as { keyFile: string }
  const directory = join(lines.data.path, 'authorities')
  expect(await readdir(directory)).toContain(keyFile)
  return join(directory, keyFile)
}

describe('a line whose key file is gone at the start', () => {
  it('is told of with its CA and the setting, and the others serve', async () => {
    const served = device('acme-served')
    const before = await lines.post('acme', served)
    expect(before.status).toBe(201)
    const keyFile = await keyFileOf('acme')
    await rename(keyFile, `${keyFile}.away`)
    await lines.restart()
    expect(lines.current().output()).toMatch(/"line":"acme".*acme-g1 cannot sign.*MINTLINE_DATA_DIR/)

    expect((await lines.post('starter', device('other-line'))).status).toBe(201)
    const refused = await lines.post('acme', device('acme-refused'))
    expect(refused).toMatchObject({ status: 503, body: { code: 'authority_unavailable' } })
    expect(refused.body.detail).toMatch(/acme-g1.*MINTLINE_DATA_DIR/)
    expect(Number(refused.retryAfter)).toBeGreaterThan(0)
    // What was issued needs no key.
    expect(await lines.post('acme', served)).toMatchObject({
      status: 200,
      body: { replayed: true, certificateId: before.body.certificateId }
    })

    const all = await lines.readiness()
    expect(all).toMatchObject({ status: 200, ready: true })
    expect(all.checks.lines).toEqual([
      { name: 'acme', ready: false, reason: expect.stringMatching(/acme-g1.*MINTLINE_DATA_DIR/) as string },
      { name: 'starter', ready: true }
    ])
    expect(await lines.readiness('?line=starter')).toMatchObject({ status: 200, ready: true })
    expect(await lines.readiness('?line=acme')).toMatchObject({ status: 503, ready: false })

    await rename(`${keyFile}.away`, keyFile)
    expect((await lines.post('acme', device('acme-refused'))).status).toBe(201)
    expect(await lines.readiness('?line=acme')).toMatchObject({ status: 200, ready: true })
  })

  it('is not ready where it is the only one, and the service runs all the same', async () => {
    const files = [await keyFileOf('acme'), await keyFileOf('starter')]
    for (const file of files) await rename(file, `${file}.away`)
    await lines.restart()
    expect(await lines.readiness()).toMatchObject({ status: 503, ready: false })
    expect((await fetch(`${lines.current().url}/healthz`)).status).toBe(200)
    for (const file of files) await rename(`${file}.away`, file)
    expect(await lines.readiness()).toMatchObject({ status: 200, ready: true })
  })
})

/** Puts a line beside the others whose key is where the test says. */
async function addLineWithKey(line: string, signer: object): Promise<void> {
  const { authority } = lines.test.database.prisma
  const acme = await authority.findUniqueOrThrow({ where: { name: 'acme-g1' } })
  const id = randomUUID()
  await authority.create({
    data: { ...acme, id, line, name: `${line}-g1`, signer, certificateIntentId: null }
  })
}

describe('a key store that is missing at the start', () => {
  it('of whatever kind keeps its own line alone from issuing', async () => {
    const pinFile = join(lines.data.path, 'pin')
    await writeFile(pinFile, '1234\n', { mode: 0o600 })
    await addLineWithKey('token', { kind: 'pkcs11', tokenLabel: 'acme', keyLabel: 'ca' })
    await addLineWithKey('cloud', { kind: 'kms', keyId: randomUUID(), region: 'eu-central-1' })
    await addLineWithKey('swapped', { kind: 'local', keyFile: basename(await keyFileOf('starter')) })
    await lines.restart({
      MINTLINE_PKCS11_MODULE: '/nonexistent/module.so',
      MINTLINE_PKCS11_PIN_FILE: pinFile,
      // Nobody listens there.
      AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'none',
      AWS_SECRET_ACCESS_KEY: 'none'
    })
    const { status, checks } = await lines.readiness()
    expect(status).toBe(200)
    const reason = (pattern: RegExp) => expect.stringMatching(pattern) as string
    expect(checks.lines).toEqual([
      { name: 'acme', ready: true },
      { name: 'cloud', ready: false, reason: reason(/^cloud-g1 cannot sign.*AWS/) },
      { name: 'starter', ready: true },
      { name: 'swapped', ready: false, reason: reason(/^swapped-g1 cannot sign.*MINTLINE_DATA_DIR/) },
      { name: 'token', ready: false, reason: reason(/^token-g1 cannot sign.*MINTLINE_PKCS11_MODULE/) }
    ])
    for (const line of ['cloud', 'swapped', 'token']) {
      expect(lines.current().output()).toContain(`the line ${line} cannot issue: `)
    }
    expect((await lines.post('acme', device('beside-the-missing'))).status).toBe(201)
    const metrics = await (await fetch(`${lines.current().url}/metrics`)).text()
    expect(metrics).toContain('mintline_line_ready{line="acme"} 1\n')
    expect(metrics).toContain('mintline_line_ready{line="token"} 0\n')
  })
})
