import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodePem } from '../../../../src/pki/pem/pem.ts'
import { someSubject } from '../../../http/service.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { needs } from '../../../support/needs/needs.ts'
import { type OpenStation, openStation, writeToken } from '../enrolling.ts'
import { type Deed, startFront } from '../front.ts'

let station: OpenStation
beforeAll(async () => {
  station = await openStation()
})
afterAll(() => station.close())

/** The program of that language as it stands on the page. */
async function extract(language: string): Promise<string> {
  const page = await readFile('docs/station.md', 'utf8')
  const [, program] = new RegExp(`^\`\`\`${language}\n([^]+?)^\`\`\`$`, 'm').exec(page) ?? []
  const file = station.at(`enroll.${language}`)
  await writeFile(file, program!)
  return file
}

let count = 0
async function newCsr() {
  count += 1
  const csr = station.at(`page-${count}.csr`)
  const der = makeCertificationRequest(someSubject())
  await writeFile(csr, encodePem('CERTIFICATE REQUEST', der))
  return { csr, der, out: station.at(`page-${count}.pem`) }
}

describe.each([
  ['bash', 'bash', needs('bash', 'curl', 'openssl')],
  ['python', 'python3', needs('python3')]
] as const)('the program in %s', (language, interpreter, options) => {
  const run = async (url: string, files: { csr: string; out: string }, more: Record<string, string> = {}) => {
    const { PATH, HOME } = process.env
    const child = spawn(interpreter, [await extract(language), files.csr, files.out], {
      env: {
        PATH,
        HOME,
        MINTLINE_URL: url,
        MINTLINE_TOKEN_FILE: station.tokenFile,
        MINTLINE_PROFILE: 'starter',
        ...more
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000
    })
    const [errors] = await Promise.all([text(child.stderr), text(child.stdout), once(child, 'close')])
    const kept = await readFile(files.out, 'utf8').catch(() => undefined)
    return { exitCode: child.exitCode, errors, kept }
  }
  const behind = async (decide: (index: number) => Deed, more: Record<string, string> = {}) => {
    await using front = await startFront(station.service.url, decide)
    const files = await newCsr()
    return { ...(await run(front.url, files, more)), ...files, front }
  }
  const busy = (retryAfter: string): Deed => ({
    status: 503,
    headers: { 'retry-after': retryAfter, 'content-type': 'application/problem+json' },
    body: JSON.stringify({ detail: 'Later.', code: 'database_unavailable' })
  })

  it('keeps the chain, and the same when it is run again', options, async () => {
    const files = await newCsr()
    const first = await run(station.service.url, files)
    expect([first.exitCode, first.errors, first.kept?.match(/BEGIN CERT/g)?.length]).toEqual([0, '', 2])
    expect((await run(station.service.url, files)).kept).toBe(first.kept)
    expect((await readdir(station.at('.'))).filter(name => name.startsWith(`page-${count}.pem.`))).toEqual([])
  })

  it('waits as long as a busy service wants, and sends the same', options, async () => {
    const { exitCode, front, kept } = await behind(index => (index < 2 ? busy('1') : 'pass'))
    expect([exitCode, kept?.includes('BEGIN CERT'), front.bodies.length]).toEqual([0, true, 3])
    expect(front.bodies[2]).toEqual(front.bodies[0])
    expect(front.times[2]! - front.times[0]!).toBeGreaterThan(1_900)
  })

  it('loses nothing with a reply', options, async () => {
    const before = await station.countIssued()
    const { exitCode, kept } = await behind(index => (index === 0 ? 'lose the answer' : 'pass'))
    expect([exitCode, kept?.includes('BEGIN CERT')]).toEqual([0, true])
    expect(await station.countIssued()).toBe(before + 1)
  })

  it('does not try again what is refused, and leaves what is there', options, async () => {
    await using front = await startFront(station.service.url, () => 'pass')
    const files = { csr: station.at('refused.csr'), out: station.at('refused.pem') }
    await writeFile(files.csr, 'no CSR')
    await writeFile(files.out, 'what was there')
    const { exitCode, errors, kept } = await run(front.url, files)
    expect([exitCode, kept, front.paths.length]).toEqual([3, 'what was there', 1])
    expect(errors).toContain('csr_malformed')
    const token = station.at('no-token')
    await writeToken(token, 'mintline_nobody')
    expect((await run(front.url, files, { MINTLINE_TOKEN_FILE: token })).exitCode).toBe(3)
  })

  it.each<[string, Deed, number]>([
    ['busy for too long', busy('60'), 4],
    ['of no Mintline', { status: 404, body: '<html>' }, 5],
    ['a redirection', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 5],
    ['broken in a way that stays', { status: 500, body: '{"code":"lint_failed"}' }, 3]
  ])('knows an answer: %s', options, async (_name, deed, expected) => {
    const { exitCode, kept, front } = await behind(() => deed, { MINTLINE_DEADLINE: '5' })
    expect([exitCode, kept, front.paths.length]).toEqual([expected, undefined, 1])
  })

  it('keeps no certificate of another key', options, async () => {
    const other = await station.service.issue()
    const { exitCode, kept } = await behind(() => ({ status: 201, body: other.chainPem }))
    expect([exitCode, kept]).toEqual([3, undefined])
  })

  it('says that nobody is there, and how it is used', options, async () => {
    const files = await newCsr()
    expect((await run('http://127.0.0.1:1', files, { MINTLINE_DEADLINE: '1' })).exitCode).toBe(5)
    expect((await run(station.service.url, files, { MINTLINE_PROFILE: '' })).exitCode).toBe(2)
  })
})
