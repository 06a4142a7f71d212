/**
 * Asks for a certificate under the profile `asks` and kills itself at a given step, with no chance to clean up.
 *
 * usage: crash-child.ts DATABASE_URL DATA_DIRECTORY MES_FILE STEP CSR_FILE
 */
import { readFileSync } from 'node:fs'
import { createDatabase } from '../../../src/database/database.ts'
import { startIssuing } from '../../support/issuing.ts'

const [connectionString, dataDirectory, mesFile, fatalStep, csrFile] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string
]
const issuing = await startIssuing(createDatabase({ connectionString, poolSize: 4 }), dataDirectory, {
  settings: { MINTLINE_MES_FILE: mesFile },
  onStep(step) {
    if (step === fatalStep) process.kill(process.pid, 'SIGKILL')
  }
})
await issuing.issue(readFileSync(csrFile), 'asks')
