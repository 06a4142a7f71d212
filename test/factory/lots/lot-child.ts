/**
 * Issues in a lot, one device after the other by some workers, until all are asked for or it is killed.
 *
 * usage: lot-child.ts DATABASE_URL DATA_DIRECTORY LOT CSR_FILE SEED
 * Fails, at random, some of what it has to do between the two commits.
 */
import { readFileSync } from 'node:fs'
import { createDatabase } from '../../../src/database/database.ts'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { startIssuing } from '../../support/issuing.ts'

const [connectionString, dataDirectory, lot, csrFile, seed] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string
]
let state = Number(seed)
/** A linear congruential generator, so that a run can be had again. */
const random = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648

const issuing = await startIssuing(createDatabase({ connectionString, poolSize: 4 }), dataDirectory, {
  onStep(step) {
    if (step === 'before the signature' && random() < 0.05) throw new Error('the signer fails')
  }
})
const waiting = (JSON.parse(readFileSync(csrFile, 'utf8')) as string[]).filter(() => random() < 0.8)

async function work(): Promise<void> {
  for (let csr = waiting.shift(); csr !== undefined; csr = waiting.shift()) {
    try {
      await issuing.issue(Buffer.from(csr, 'base64'), 'starter', { lot })
    } catch (error) {
      const isExpected = error instanceof Error && error.message === 'the signer fails'
      if (!isExpected && !isMintlineError(error, 'lot_full')) console.error(error)
    }
  }
}

await Promise.all(Array.from({ length: 64 }, work))
process.exit(0)
