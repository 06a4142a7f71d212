import { Counter } from 'prom-client'
import { afterAll, describe, expect, it } from 'vitest'
import { createTestApp } from '../port.ts'

const port = await createTestApp()
const { app } = port
afterAll(() => app.close())

const get = (url: string) => app.inject(url)

describe('health', () => {
  it('tells readiness from life', async () => {
    port.isReady = false
    const ready = await get('/readyz')
    expect([ready.statusCode, ready.json()]).toEqual([
      503,
      { ready: false, checks: { database: { ok: false, detail: 'refuses connections' } } }
    ])
    expect((await get('/healthz')).statusCode).toBe(200)
    port.isReady = true
    expect((await get('/readyz')).statusCode).toBe(200)
  })

  it('shows metrics in the format of Prometheus', async () => {
    new Counter({ name: 'mintline_tested_total', help: 'x', registers: [port.services.metrics] }).inc()
    const answer = await get('/metrics')
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(answer.body).toContain('mintline_tested_total{app="mintline"} 1')
  })
})
