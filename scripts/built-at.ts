/**
 * Writes the day into src/config/version.ts, before which no clock is believed. `npm version` runs it; with `--check` it
 * only says whether that was forgotten: beside the newest commit, so that an old checkout stays as good as it was.
 *
 *   npm run built-at
 *   npm run built-at:check
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { builtAt } from '../src/config/version.ts'
import { faultOf, stamp } from './built-at/stamp.ts'

const file = new URL('../src/config/version.ts', import.meta.url)

if (process.argv[2] === '--check') {
  const seconds = execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: import.meta.dirname })
  const fault = faultOf(builtAt, new Date(Number(seconds) * 1000))
  if (fault !== undefined) {
    console.error(fault)
    process.exit(1)
  }
} else {
  writeFileSync(file, stamp(readFileSync(file, 'utf8'), new Date()))
}
