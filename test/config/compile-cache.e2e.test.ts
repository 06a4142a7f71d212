import { execFileSync } from 'node:child_process'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const askDirectory = 'process.stdout.write(require("node:module").getCompileCacheDir() ?? "none")'

function directoryIn(environment: Record<string, string>): string {
  return execFileSync(
    process.execPath,
    ['--import', './src/config/compile-cache.ts', '--eval', askDirectory],
    { cwd: root, env: environment, encoding: 'utf8' }
  )
}

describe('what Node has compiled', () => {
  it('is kept beside the code, where nobody writes who may not write the code', () => {
    expect(directoryIn({})).toContain(`${root}node_modules${sep}.cache${sep}mintline`)
  })

  it('is not kept when the operator does not want it', () => {
    expect(directoryIn({ NODE_DISABLE_COMPILE_CACHE: '1' })).toBe('none')
  })
})
