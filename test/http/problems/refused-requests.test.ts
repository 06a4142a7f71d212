import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { RefusedAccess } from '../../../src/access/refused/refused-access.ts'
import { type ErrorCode, MintlineError } from '../../../src/errors/mintline-error.ts'
import { bearer, createTestApp } from '../port.ts'

let code: ErrorCode
const fail = async (): Promise<never> => {
  throw new MintlineError(code, 'No.')
}
const noted: RefusedAccess[] = []
const { app } = await createTestApp(undefined, {
  lots: { pause: fail, find: fail },
  preview: { preview: fail },
  refusedAccesses: { note: (refused: RefusedAccess) => void noted.push(refused) }
})
afterAll(() => app.close())
beforeEach(() => void noted.splice(0))

describe('what a refusal is to the audit', () => {
  it.each([
    ['lot_closed', ['act.refuse']],
    ['lot_full', ['act.refuse']],
    ['export_expired', ['act.refuse']],
    ['lot_not_found', []],
    ['request_invalid', []],
    ['database_unavailable', []]
  ] as const)('of an act, %s is %j', async (refusal, acts) => {
    code = refusal
    expect((await ask('POST', '/v1/lots/lot-1/pause')).json()).toMatchObject({ code })
    expect(noted.map(({ act }) => act)).toEqual(acts)
  })

  it('is nothing where something is only read or tried', async () => {
    code = 'authority_expires_first'
    const answers = [
      await ask('GET', '/v1/lots/lot-1'),
      await ask('POST', '/v1/profiles/starter/preview', { csr: 'x' })
    ]
    for (const answer of answers) expect(answer.json()).toMatchObject({ code })
    expect(noted).toEqual([])
  })
})

function ask(method: 'GET' | 'POST', url: string, payload: object = { reason: 'x' }) {
  return app.inject({ method, url, headers: bearer('admin'), ...(method === 'POST' && { payload }) })
}
