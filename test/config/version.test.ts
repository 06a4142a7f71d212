import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { faultOf, stamp } from '../../scripts/built-at/stamp.ts'
import { builtAt } from '../../src/config/version.ts'

const source = readFileSync(new URL('../../src/config/version.ts', import.meta.url), 'utf8')
const read = (text: string) => readFileSync(new URL(`../../${text}`, import.meta.url), 'utf8')
const after = (days: number) => new Date(builtAt.getTime() + days * 86_400_000)

it('the day before which no clock is believed is written by a script', () => {
  const stamped = stamp(source, new Date('2031-02-03T17:18:19Z'))
  expect(stamped).toContain("export const builtAt = new Date('2031-02-03T00:00:00Z')\n")
  expect(stamp(stamped, builtAt)).toBe(source)
  expect(() => stamp('export const other = 1', builtAt)).toThrow('builtAt')
})

it.each([
  ['the same day', 0, true],
  ['90 days', 90, true],
  ['91 days', 91, false],
  // A clock that is right would not be believed.
  ['a day before', -1, false]
])('it is good beside a newest commit of %s', (_name, days, isGood) => {
  expect(faultOf(builtAt, after(days)) === undefined).toBe(isGood)
})

it('it is written with each version, and CI looks whether it was', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  expect(scripts['version']).toContain('npm run built-at')
  expect(read('.ci/run')).toContain('npm run built-at:check')
})
