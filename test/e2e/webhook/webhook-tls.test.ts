import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runMintline } from '../../cli/mintline.ts'
import { makeServerCertificates } from '../../events/receiver/bad-certificates.ts'
import { createTestReceiver, secret, type TestReceiver } from '../../events/test-receiver.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needs } from '../../support/needs/needs.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

type Certificates = ReturnType<typeof makeServerCertificates>

let data: TemporaryDirectory
let certificates: Certificates
let receiver: TestReceiver

const settings = () => ({
  MINTLINE_WEBHOOK_URL: receiver.url,
  MINTLINE_WEBHOOK_SECRET_FILE: join(data.path, 'webhook-secret'),
  NODE_EXTRA_CA_CERTS: certificates.caFile
})

const faults = [
  ['expired', 'CERT_HAS_EXPIRED'],
  ['notYet', 'CERT_NOT_YET_VALID'],
  ['unknownIssuer', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['otherName', 'ERR_TLS_CERT_ALTNAME_INVALID']
] as const

describe('a webhook with TLS', needs('openssl'), () => {
  beforeAll(async () => {
    data = await createTemporaryDirectory()
    certificates = makeServerCertificates(data.path)
    receiver = await createTestReceiver(0, certificates.good)
    await writeFile(join(data.path, 'webhook-secret'), `${secret}\n`, { mode: 0o600 })
  })
  afterAll(async () => {
    await receiver[Symbol.asyncDispose]()
    await data.remove()
  })

  it('takes a sample under a CA of one’s own that NODE_EXTRA_CA_CERTS names, and not without', async () => {
    receiver.show(certificates.good)
    const { NODE_EXTRA_CA_CERTS, ...without } = settings()
    expect(await runMintline(['webhook', 'test'], { ...without, NODE_EXTRA_CA_CERTS })).toMatchObject({
      exitCode: 0
    })
    const ended = await runMintline(['webhook', 'test'], without)
    expect(ended.exitCode).toBe(1)
    expect(ended.output).toContain('NODE_EXTRA_CA_CERTS')
    expect(receiver.messages).toHaveLength(1)
  })

  it.each(faults)(
    'gets no sample while its certificate is wrong, and that is told: %s',
    async (fault, code) => {
      receiver.show(certificates[fault])
      const before = receiver.messages.length
      const ended = await runMintline(['webhook', 'test'], settings())
      expect(ended.exitCode).toBe(1)
      expect(ended.output).toMatch(/certificate of the webhook/)
      expect(ended.output).toContain(`(${code})`)
      expect(receiver.messages.length).toBe(before)
    }
  )

  it('is verified though the environment says not to', async () => {
    receiver.show(certificates.expired)
    const before = receiver.messages.length
    const ended = await runMintline(['webhook', 'test'], { ...settings(), NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    expect([ended.exitCode, ended.output]).toEqual([1, expect.stringContaining('CERT_HAS_EXPIRED') as string])
    expect(receiver.messages.length).toBe(before)
  })

  it('that speaks none is told as such', async () => {
    const server = createServer(socket => socket.end('220 mail.example ESMTP\r\n')).listen(0, '127.0.0.1')
    await vi.waitFor(() => expect(server.listening).toBe(true))
    const { port } = server.address() as { port: number }
    const url = `https://localhost:${port}/`
    const ended = await runMintline(['webhook', 'test'], { ...settings(), MINTLINE_WEBHOOK_URL: url })
    server.close()
    expect([ended.exitCode, ended.output]).toEqual([1, expect.stringContaining('TLS') as string])
  })

  it('on this machine gets no sample where the setting says so', async () => {
    receiver.show(certificates.good)
    const ended = await runMintline(['webhook', 'test'], {
      ...settings(),
      MINTLINE_WEBHOOK_PRIVATE_ADDRESSES: 'off'
    })
    expect(ended.exitCode).toBe(1)
    expect(ended.output).toContain('MINTLINE_WEBHOOK_PRIVATE_ADDRESSES')
  })

  describe('and the service', () => {
    let test: TestDatabase
    let service: ServiceProcess

    beforeAll(async () => {
      test = await createTestDatabase()
      service = await startServiceProcess(data.path, {
        DATABASE_URL: test.connectionString,
        MINTLINE_LOG_LEVEL: 'warn',
        ...settings()
      })
    })
    afterAll(async () => {
      await service.end('SIGTERM')
      await test.drop()
    })

    async function ask(method: string, path: string): Promise<string> {
      const headers = { authorization: `Bearer ${await service.token('admin')}` }
      return (await fetch(service.url + path, { method, headers })).text()
    }

    it('tells each fault in status and log, and delivers when it is mended', async () => {
      receiver.taken.length = 0
      receiver.show(certificates.expired)
      const csr = makeCertificationRequest({ Country: 'US', CommonName: 'told by TLS' })
      const issued = (await (await postCsr(service, await service.token('station'), csr)).json()) as {
        id: string
      }
      for (const [fault, code] of faults) {
        receiver.show(certificates[fault])
        await ask('POST', '/v1/events/deliver')
        await vi.waitFor(
          async () => {
            expect(await ask('GET', '/v1/events/status')).toMatch(
              new RegExp(`certificate of the webhook.*\\(${code}\\)`)
            )
            expect(service.output()).toContain(`(${code})`)
          },
          { timeout: 14_000, interval: 100 }
        )
      }
      expect(receiver.taken).toEqual([])
      receiver.show(certificates.good)
      await ask('POST', '/v1/events/deliver')
      await vi.waitFor(() => expect(receiver.taken.map(({ id }) => id)).toEqual([issued.id]), {
        timeout: 14_000,
        interval: 100
      })
    })
  })
})
