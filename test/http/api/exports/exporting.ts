import { expect, vi } from 'vitest'
import type { ExportView } from '../../../../src/http/api/exports/schemas.ts'
import type { HttpService } from '../../service.ts'

export type Asking = Pick<ReturnType<HttpService['as']>, 'get' | 'post'>

export async function askFor(as: Asking, body: object): Promise<ExportView> {
  const answer = await as.post('/v1/exports', body)
  expect(answer.statusCode, answer.body).toBe(202)
  const made = answer.json<ExportView>()
  expect(answer.headers['location']).toBe(`/v1/exports/${made.id}`)
  return made
}

/** Of everybody, as an administrator. */
export async function removeAll(as: Pick<ReturnType<HttpService['as']>, 'get' | 'delete'>): Promise<void> {
  const { items } = (await as.get('/v1/exports?limit=200')).json<{ items: ExportView[] }>()
  for (const { id } of items) expect((await as.delete(`/v1/exports/${id}`)).statusCode).toBe(204)
}

/** Until it is over. */
export async function untilOver(as: Asking, id: string, timeout = 60_000): Promise<ExportView> {
  const find = async () => {
    const view = (await as.get(`/v1/exports/${id}`)).json<ExportView>()
    expect(view.state).toMatch(/done|failed|expired/)
    return view
  }
  return vi.waitFor(find, { timeout, interval: 50 })
}

export async function make(as: Asking, body: object) {
  const done = await untilOver(as, (await askFor(as, body)).id)
  expect(done).toMatchObject({ state: 'done' })
  const content = await as.get(`/v1/exports/${done.id}/content`)
  expect(content.statusCode, content.body).toBe(200)
  return { done, content, octets: content.rawPayload }
}
