import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { packageOfTool } from './support/needs/needs.ts'
import { type Need, needsOf, undeclaredToolsOf } from './support/needs/needs-by-imports.ts'

/** What the tests of a project may need. Their files are named in vitest.config.ts. */
const mayNeed = {
  unit: [],
  database: ['postgres', 'sockets'],
  e2e: ['postgres', 'processes', 'sockets']
} as const satisfies Readonly<Record<string, readonly Need[]>>

const files = readdirSync(fileURLToPath(new URL('.', import.meta.url)), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.ts'))
  .map(file => `test/${file}`)

function projectOf(file: string): keyof typeof mayNeed {
  if (file.startsWith('test/e2e/') || file.endsWith('.e2e.test.ts')) return 'e2e'
  return file.endsWith('.database.test.ts') ? 'database' : 'unit'
}

describe('a test file', () => {
  it('is found at all', () => {
    expect(files.length).toBeGreaterThan(100)
  })

  it('needs no more than its name says: .database.test.ts for PostgreSQL, .e2e.test.ts for processes and sockets', () => {
    const excess = files.flatMap(file => {
      const allowed: readonly Need[] = mayNeed[projectOf(file)]
      return [...needsOf(file)].filter(need => !allowed.includes(need)).map(need => `${file}: ${need}`)
    })
    expect(excess).toEqual([])
  })

  it('is not kept from the fast tests by a name that says too much', () => {
    const needless = files.filter(file => projectOf(file) !== 'unit' && needsOf(file).size === 0)
    expect(needless).toEqual([])
  })

  it('of the database starts no processes, and of e2e does, or has sockets without PostgreSQL', () => {
    const misnamed = files.filter(file => {
      const needs = needsOf(file)
      const isEndToEnd = needs.has('processes') || (needs.has('sockets') && !needs.has('postgres'))
      return projectOf(file) === 'e2e' && !isEndToEnd
    })
    expect(misnamed).toEqual([])
  })
  it('says by needs() which tools it runs, so that it is skipped where they are not', () => {
    const undeclared = files.flatMap(file => undeclaredToolsOf(file).map(tool => `${file}: ${tool}`))
    expect(undeclared).toEqual([])
  })
})

it('CI has every tool that a test needs', () => {
  const run = readFileSync(new URL('../.ci/run', import.meta.url), 'utf8')
  const [, packages = ''] = /^packages=\((.*)\)$/m.exec(run) ?? []
  expect(packages.split(' ').toSorted()).toEqual([...new Set(Object.values(packageOfTool))].toSorted())
})
