/**
 * Prints the files of a run's JSON report whose tests failed, one a line, relative to the directory.
 *
 * usage: node scripts/failed-test-files.ts REPORT MOST
 *
 * Exits with 1 where there is none, so that something else failed, or more than MOST.
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

interface Report {
  readonly testResults: readonly { readonly name: string; readonly status: string }[]
}

const [report = '', most = ''] = process.argv.slice(2)
const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
const failed = [...new Set(testResults.filter(({ status }) => status === 'failed').map(({ name }) => name))]
if (failed.length === 0 || failed.length > Number(most)) {
  console.error(`${failed.length} files failed: that is no case for a second run.`)
  process.exit(1)
}
for (const name of failed) console.log(relative('', name))
