import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { type Bearer, createAuthority } from './authorities.ts'

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

it('RSA keys that are made keep no station waiting', async () => {
  const token = await service.token('station')
  const requests = Array.from({ length: 40 }, (_, index) =>
    makeCertificationRequest({ Country: 'US', CommonName: `keys-${index}` })
  )
  // Of one administrator's requests so few are in work at once that the keys of all of them find room.
  const administrators = await Promise.all(['anna', 'ben', 'cleo'].map(createAdministrator))
  let areMaking = true
  const making = Promise.all(
    administrators.flatMap((bearer, index) =>
      [0, 1, 2, 3].map(key => createRsaAuthority(`rsa-${index}-${key}`, bearer))
    )
  ).finally(() => (areMaking = false))
  const times: number[] = []
  for (const csr of requests) {
    if (!areMaking) break
    const start = performance.now()
    expect((await postCsr(service, token, csr)).status).toBe(201)
    times.push(performance.now() - start)
  }
  const statuses = await making
  expect(statuses.filter(status => status === 503).length).toBeGreaterThan(0)
  expect(statuses.filter(status => status === 201).length).toBeGreaterThan(0)
  expect(statuses.every(status => status === 201 || status === 503)).toBe(true)
  // On the pool they waited for all keys: 7 s.
  expect(times.length).toBeGreaterThan(2)
  expect(Math.max(...times)).toBeLessThan(2_000)
}, 180_000)

async function createAdministrator(name: string): Promise<Bearer> {
  const answer = await fetch(`${service.url}/v1/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await service.token('admin')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ role: 'admin', name })
  })
  expect(answer.status).toBe(201)
  const { secret } = (await answer.json()) as { secret: string }
  return { authorization: `Bearer ${secret}` }
}

async function createRsaAuthority(line: string, bearer: Bearer): Promise<number> {
  const certificate = { kind: 'self-signed', days: 3650 }
  const answer = await createAuthority(service, bearer, { line, keyType: 'RSA-4096', certificate })
  const text = await answer.text()
  if (answer.status === 503) {
    expect(text).toContain('overloaded')
    expect(answer.headers.get('retry-after')).toMatch(/^[0-9]+$/)
  }
  return answer.status
}
