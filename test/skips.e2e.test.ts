import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

/** A run of the tests of `fixtures/skips`, where no tool is installed. */
function runOf(name: string, environment: Readonly<Record<string, string>> = {}) {
  const args = [vitest, 'run', '--config', 'test/fixtures/skips/vitest.config.ts', `${name}.skip.ts`]
  const env = { PATH: '/nonexistent', ...environment }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

describe.each([
  ['on a machine of somebody', {}, 0],
  ['in CI', { CI: 'true' }, 1]
])('a run %s', (_, environment, status) => {
  it(`tells which tools were not there, and ends with ${status}`, () => {
    const run = runOf('tool', environment)
    expect(run.output).toMatch(/openssl \(Debian package openssl\).*certtool \(Debian package gnutls-bin\)/)
    expect(run.output).toContain('curl (Debian package curl)')
    expect(run.output).toContain('test/fixtures/skips/tool.skip.ts')
    expect(run.status).toBe(status)
  })

  it(`tells of a skip without a reason, and ends with ${status}`, () => {
    const run = runOf('silent', environment)
    expect(run.output).toContain('test/fixtures/skips/silent.skip.ts')
    expect(run.status).toBe(status)
  })

  it('takes the reason that a test gives, and tells it', () => {
    const run = runOf('accepted', environment)
    expect(run.output).toContain('there is no sea here')
    expect(run.status).toBe(0)
  })
})
