import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { anyCsr } from './csrs.ts'
import { anyProfile } from './profiles.ts'

/** `FUZZ_SEED=7 FUZZ_SECONDS=600 npx vitest run test/e2e/fuzz` looks elsewhere, and for longer. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20261126)
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 0)
const profilesOfRound = 90
const csrsOfProfile = 12

/** What may become of a CSR; `lint_failed` and `record_damaged` are faults of the service. */
const refusals = {
  csr_malformed: 422,
  csr_too_large: 413,
  csr_signature_algorithm_refused: 422,
  csr_signature_invalid: 422,
  key_refused: 422,
  key_blocked: 422,
  subject_refused: 422,
  jitp_would_fail: 422,
  key_already_certified: 409,
  device_already_certified: 409,
  authority_expires_first: 409
} as const

let data: TemporaryDirectory
let service: ServiceProcess

beforeAll(async () => {
  data = await createTemporaryDirectory()
  service = await startServiceProcess(data.path, { MINTLINE_LOG_LEVEL: 'error' })
})
afterAll(async () => {
  await service.end('SIGTERM')
  await data.remove()
})

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function ask(
  role: 'station' | 'admin',
  path: string,
  post?: { type: string; body: string | Buffer<ArrayBuffer> }
): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${await service.token(role)}`,
    ...(post !== undefined && { 'content-type': post.type })
  }
  const answer = await fetch(service.url + path, {
    headers,
    ...(post !== undefined && { method: 'POST', body: post.body }),
    signal: AbortSignal.timeout(20_000)
  })
  return { status: answer.status, body: (await answer.json()) as Answer['body'] }
}

/** How many times what came out. */
type Tally = Map<string, number>

/** Undefined where the service did as it should. */
async function faultOf(profile: string, csr: Uint8Array, tally: Tally): Promise<unknown> {
  const sent = { type: 'application/pkcs10', body: Buffer.from(csr) }
  const { status, body } = await ask('station', `/v1/issuances?profile=${profile}`, sent)
  const outcome = status < 300 ? 'issued' : String(body['code'])
  tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
  const expected = outcome === 'issued' ? [200, 201] : [(refusals as Record<string, number>)[outcome]]
  if (!expected.includes(status)) return { status, body }
  const id = String(outcome === 'issued' ? body['id'] : body['issuanceId'])
  const { body: record } = await ask('admin', `/v1/issuances/${id}`)
  if (outcome !== 'issued') {
    return record['outcome'] === 'rejected' && record['code'] === outcome
      ? undefined
      : { status, body, record }
  }
  const isWhole = record['outcome'] === 'issued' && record['certificatePem'] === body['certificatePem']
  const isReadable = new X509Certificate(String(body['certificatePem'])).serialNumber.length > 0
  return isWhole && isReadable && record['damaged'] === undefined ? undefined : { status, body, record }
}

async function runRound(roundSeed: number, tally: Tally): Promise<void> {
  const profiles = fc.sample(anyProfile, { seed: roundSeed, numRuns: profilesOfRound })
  for (const [index, document] of profiles.entries()) {
    const name = `fuzz-${roundSeed >>> 0}-${index}`
    const body = JSON.stringify({ name, ...document })
    const posted = await ask('admin', '/v1/profiles', { type: 'application/json', body })
    const outcome = posted.status === 201 ? 'profile' : String(posted.body['code'])
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
    const seen = `seed ${roundSeed}, profile ${body}`
    expect(['profile', 'profile_invalid'], `${seen}\n${JSON.stringify(posted)}`).toContain(outcome)
    if (outcome !== 'profile') continue
    const csrs = fc.sample(anyCsr, { seed: roundSeed + index, numRuns: csrsOfProfile })
    await Promise.all(
      csrs.map(async csr => {
        const fault = await faultOf(name, csr, tally)
        expect(fault, `${seen}\nCSR ${Buffer.from(csr).toString('base64')}`).toBeUndefined()
      })
    )
  }
}

it(
  `answers every CSR under every profile by a certificate or a refusal, and has it on record (seed ${seed})`,
  async () => {
    const tally: Tally = new Map()
    const end = performance.now() + seconds * 1000
    let round = 0
    do await runRound(seed + 1000 * round++, tally)
    while (performance.now() < end)
    console.log(`seed ${seed}, ${round} rounds:`, Object.fromEntries([...tally].toSorted()))
    // Otherwise it tries nothing.
    expect(tally.get('profile') ?? 0).toBeGreaterThan(profilesOfRound / 5)
    expect(tally.get('issued') ?? 0).toBeGreaterThan(profilesOfRound / 5)
  },
  60_000 + 1000 * seconds
)
