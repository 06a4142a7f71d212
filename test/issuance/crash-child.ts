/**
 * Issues until it kills itself at a given step, with no chance to clean up.
 *
 * usage: crash-child.ts DATABASE_URL DATA_DIRECTORY STEP PASSES CSR_FILE
 * Writes a line for each certificate that it "answered" with, and before each signature the TBS that is signed.
 */
import { readFileSync, writeSync } from 'node:fs'
import { createDatabase } from '../../src/database/database.ts'
import { startIssuing, type Step } from '../support/issuing.ts'

const [connectionString, dataDirectory, fatalStep, passes, csrFile] = process.argv.slice(2) as [
  string,
  string,
  Step,
  string,
  string
]
let passesLeft = Number(passes)

/** Straight to the file descriptor: a stream could still hold the line when the process dies. */
const tell = (kind: 'answered' | 'signing', bytes: Uint8Array) =>
  writeSync(1, `${kind} ${Buffer.from(bytes).toString('hex')}\n`)

const issuing = await startIssuing(createDatabase({ connectionString, poolSize: 4 }), dataDirectory, {
  wrapSigner: signer => ({
    ...signer,
    sign(toBeSignedDer) {
      tell('signing', toBeSignedDer)
      return signer.sign(toBeSignedDer)
    }
  }),
  onStep(step) {
    if (step === fatalStep && --passesLeft === 0) process.kill(process.pid, 'SIGKILL')
  }
})
const requests = JSON.parse(readFileSync(csrFile, 'utf8')) as readonly string[]
const waiting = [...requests]

async function work(): Promise<void> {
  for (let csr = waiting.shift(); csr !== undefined; csr = waiting.shift()) {
    const { record } = await issuing.issue(Buffer.from(csr, 'base64'))
    tell('answered', record.certificateDer)
  }
}

await Promise.all(Array.from({ length: 8 }, work))
process.exit(0)
