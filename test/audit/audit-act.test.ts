import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { auditActs, isAuditAct } from '../../src/audit/audit-act.ts'

const page = readFileSync('docs/audit.md', 'utf8')
const rows = [...page.matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)]

it('docs/audit.md has every act, in order, and what it means', () => {
  expect(rows.map(([, act]) => act)).toEqual([...auditActs])
  expect(rows.filter(([, , meaning]) => !/^[A-Z].{10,}\.$/.test(meaning!)).map(([, act]) => act)).toEqual([])
})

it('each is there once, in alphabetical order', () => {
  expect([...new Set(auditActs)].sort((a, b) => (a < b ? -1 : 1))).toEqual([...auditActs])
})

it('none is taken for another by its beginning or its case', () => {
  expect(['lot.pause', 'lot.', 'lot.pause ', 'LOT.PAUSE', 'constructor'].filter(isAuditAct)).toEqual([
    'lot.pause'
  ])
})
