import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partitionOf } from '../../../src/records/months/month.ts'
import { device } from '../../issuance/rework/rework-test.ts'
import {
  dropMonth,
  dumpMonth,
  type Months,
  monthsAgo,
  openMonths,
  restoreMonth
} from '../../records/months/months-test.ts'
import { codeOf, runMintline } from '../mintline.ts'

const old = monthsAgo(5).month

let months: Months
beforeAll(async () => {
  months = await openMonths()
  for (const name of ['one', 'two']) await months.issuing.issue(device(name))
  months.at(new Date())
  await months.issuing.issue(device('today'))
})
afterAll(() => months.close())

const run = (...args: readonly string[]) =>
  runMintline(['months', ...args], {
    DATABASE_URL: months.test.connectionString,
    MINTLINE_DATA_DIR: months.directory
  })

interface Listed {
  readonly months: readonly {
    readonly month: string
    readonly detachedAt?: string
    readonly isHere?: boolean
  }[]
}

const listed = async () => {
  const { months: all } = JSON.parse((await run('list', '--json')).output) as Listed
  return all.find(({ month }) => month === old.name)
}

describe('mintline months', () => {
  it('says what is wrong with what it is given', async () => {
    for (const [args, said] of [
      [[], 'the commands are'],
      [['remove', old.name], 'the commands are'],
      [['detach'], 'name one month'],
      [['detach', old.name, old.name], 'name one month'],
      [['list', old.name], 'takes no month'],
      [['list', '--reason', 'x'], 'takes no --reason'],
      [['detach', '2026-13'], '2026-13 is no month'],
      [['detach', 'last'], 'last is no month'],
      [['detach', old.name, '--reason', ''], '--reason is a text'],
      [['detach', old.name, '--force'], '--force']
    ] as const) {
      const { exitCode, errors, output } = await run(...args)
      expect([exitCode === 0, output], args.join(' ')).toEqual([false, ''])
      expect(errors).toContain(said)
    }
  })

  it('refuses this month, with what to do', async () => {
    const ended = await run('detach', monthsAgo(0).month.name)
    expect(codeOf(ended)).toBe('month_refused')
    expect(ended.exitCode).not.toBe(0)
    expect(ended.errors).toContain('the latest month that can be detached')
  })

  it('lists, detaches and attaches, in words', async () => {
    const before = await run('list')
    expect(before).toMatchObject({ exitCode: 0, errors: '' })
    expect(before.output).toContain(`${old.name}  attached`)
    const detached = await run('detach', old.name, '--reason', 'room on the disk')
    expect(detached).toMatchObject({ exitCode: 0, errors: '' })
    expect(detached.output).toMatch(/is detached; the record was locked for \d+ ms\./)
    expect(detached.output).toMatch(new RegExp(`${partitionOf('intent', old)}: 2 rows, SHA-256 [0-9a-f]{64}`))
    expect((await run('list')).output).toMatch(
      new RegExp(
        `^${old.name} {2}detached \\S+ by \\S+, 2 issuances; its tables are still in this database$`,
        'm'
      )
    )
    const dumps = await dumpMonth(months.client, old)
    await dropMonth(months.client, old)
    expect((await run('list')).output).toContain('its tables are elsewhere')
    const missing = await run('attach', old.name)
    expect([codeOf(missing), missing.exitCode === 0]).toEqual(['month_refused', false])
    await restoreMonth(months.client, dumps)
    const attached = await run('attach', old.name, '--reason', 'audit')
    expect(attached).toMatchObject({ exitCode: 0, errors: '' })
    expect(attached.output).toContain(`${old.name} is attached; every row is as it was.`)
    const { rows } = await months.client.query<{ act: string; reason: string; actor: string }>(
      `SELECT act, reason FROM audit_event WHERE subject = $1 ORDER BY id`,
      [`month/${old.name}`]
    )
    expect(rows).toEqual([
      { act: 'month.detach', reason: 'room on the disk' },
      { act: 'month.attach', reason: 'audit' }
    ])
  })

  it('lists, detaches and attaches, for programs', async () => {
    expect(await listed()).not.toHaveProperty('detachedAt')
    const detached = JSON.parse((await run('detach', old.name, '--json')).output) as object
    const tables = ['intent', 'issued', 'refusal', 'refusal_count'].map(parent => ({
      name: partitionOf(parent, old),
      rows: parent === 'intent' || parent === 'issued' ? 2 : 0,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string
    }))
    expect(detached).toEqual({
      month: old.name,
      tables,
      lockedMs: expect.any(Number) as number,
      waits: expect.any(Number) as number
    })
    expect(await listed()).toMatchObject({ rows: 2, isHere: true, detachedAt: expect.any(String) as string })
    expect(JSON.parse((await run('attach', old.name, '--json')).output)).toEqual({ month: old.name, tables })
    expect(await listed()).not.toHaveProperty('detachedAt')
  })

  it('works as the owner of the tables, and as nobody else', async () => {
    const ended = await runMintline(['months', 'detach', old.name], {
      DATABASE_URL: months.test.serviceConnectionString,
      MINTLINE_DATA_DIR: months.directory
    })
    expect(ended.exitCode).not.toBe(0)
    expect(await listed()).not.toHaveProperty('detachedAt')
  })
})
