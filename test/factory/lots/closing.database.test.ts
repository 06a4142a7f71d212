import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runLot } from '../../../src/cli/lot/lot.ts'
import type { LotProgressView } from '../../../src/http/api/lots/schemas.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { problemOf } from '../../http/answer.ts'
import { type HttpService, openService, someSubject } from '../../http/service.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'

let service: HttpService
let lotsMade = 0

beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const makeCsr = () => makeCertificationRequest(someSubject())

async function openLot(quantity = 3) {
  const id = `closing-${++lotsMade}`
  await service.as('operator').post('/v1/lots', { id, profile: 'starter', quantity })
  return id
}

const issueIn = async (lot: string) =>
  (
    await service.as('station').post('/v1/issuances', {
      csr: encodePem('CERTIFICATE REQUEST', makeCsr()),
      profile: 'starter',
      lot
    })
  ).json<{ certificateId: string; issuedAt: string }>()
const close = async (id: string) => service.as('operator').post(`/v1/lots/${id}/close`)
const payloadOf = (jws: string) =>
  JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>

/** What the command prints, and how it ends. */
async function verify(args: readonly string[]) {
  const printed: string[] = []
  const io = {
    environment: { MINTLINE_DATA_DIR: service.dataDirectory, DATABASE_URL: service.connectionString },
    write: (text: string) => void printed.push(text),
    writeError: (text: string) => void printed.push(text)
  }
  const code = await runLot(io, ['verify', ...args])
  return { code, text: printed.join('') }
}

describe('closing a lot', () => {
  it('states what came of it, signed, and again the same', async () => {
    const id = await openLot()
    const [one, two] = [await issueIn(id), await issueIn(id)]
    const closed = await close(id)
    expect(closed.statusCode).toBe(200)
    const { statement } = closed.json<{ statement: string }>()
    expect(closed.json()).toEqual({ id, state: 'closed', statement })
    expect((await close(id)).json()).toEqual(closed.json())
    const hash = createHash('sha256')
    for (const { certificateId } of [one, two]) hash.update(Buffer.from(certificateId, 'hex'))
    expect(payloadOf(statement)).toMatchObject({
      lot: id,
      ordered: 3,
      issued: 2,
      remaining: 1,
      scrapped: 0,
      refused: 0,
      stations: [{ station: 'starter', issued: 2, scrapped: 0, refused: 0 }],
      firstIssuedAt: one.issuedAt,
      lastIssuedAt: two.issuedAt,
      certificateIdsSha256: hash.digest('hex')
    })
    const lot = (await service.as('auditor').get(`/v1/lots/${id}`)).json<LotProgressView>()
    expect(lot).toMatchObject({ state: 'closed', statement })
    const { keys } = (await service.send({ url: '/.well-known/jwks.json' })).json<{
      keys: { kid: string }[]
    }>()
    expect(keys.map(({ kid }) => kid)).toContain(decodeProtectedHeader(statement).kid)
    expect(JSON.stringify(keys)).not.toContain('"d"')
  })

  it('completes what is open', async () => {
    const id = await openLot(1)
    const intent = await service.leaveOpen(makeCsr(), {}, id)
    const { statement } = (await close(id)).json<{ statement: string }>()
    expect(payloadOf(statement)).toMatchObject({ issued: 1, remaining: 0 })
    const record = await service.as('auditor').get(`/v1/issuances/${intent}`)
    expect(record.json()).toMatchObject({ outcome: 'issued', lot: id })
  })

  it('declares void what cannot be completed', async () => {
    const id = await openLot(1)
    const intent = await service.leaveOpen(makeCsr(), {}, id)
    await service.owner.prisma.$executeRawUnsafe('ALTER TABLE intent DISABLE TRIGGER ALL')
    await service.owner.prisma.$executeRaw`UPDATE intent SET tbs_der = '\\x00' WHERE id = ${intent}::uuid`
    const { statement } = (await close(id)).json<{ statement: string }>()
    expect(payloadOf(statement)).toMatchObject({ issued: 0, remaining: 1 })
    const record = await service.as('auditor').get(`/v1/issuances/${intent}`)
    expect(record.json()).toMatchObject({ outcome: 'void' })
  })

  it('ends it for ever', async () => {
    const id = await openLot(1)
    await close(id)
    for (const verb of ['pause', 'resume']) {
      expect(problemOf(await service.as('operator').post(`/v1/lots/${id}/${verb}`)).code).toBe('lot_closed')
    }
  })

  it('is done once by many at once', async () => {
    const id = await openLot()
    await issueIn(id)
    const answers = await Promise.all(Array.from({ length: 10 }, () => close(id)))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
  })
})

describe('mintline lot verify', () => {
  it('says yes to a statement, and no to any other', async () => {
    const id = await openLot()
    await issueIn(id)
    const answer = await close(id)
    const file = join(service.dataDirectory, 'closed.json')
    await writeFile(file, answer.body)
    const own = await verify([file])
    expect([own.code, own.text]).toEqual([0, expect.stringContaining(`VALID: lot ${id}`)])
    const jwks = join(service.dataDirectory, 'jwks.json')
    await writeFile(jwks, (await service.send({ url: '/.well-known/jwks.json' })).body)
    expect((await verify([file, '--jwks', jwks])).code).toBe(0)

    const { statement } = answer.json<{ statement: string }>()
    const [header, , signature] = statement.split('.')
    const forged = JSON.stringify({ ...payloadOf(statement), issued: 3, remaining: 0 })
    await writeFile(file, [header, Buffer.from(forged).toString('base64url'), signature].join('.'))
    expect((await verify([file])).code).toBe(1)
    await writeFile(jwks, '{"keys":[]}')
    await writeFile(file, statement)
    expect((await verify([file, '--jwks', jwks])).code).toBe(1)
  })

  it('keeps its key from others', async () => {
    const key = join(service.dataDirectory, 'statement-key.pem')
    expect(await readFile(key, 'utf8')).toContain('PRIVATE KEY')
    const { mode } = await stat(key)
    expect(mode & 0o077).toBe(0)
  })
})
