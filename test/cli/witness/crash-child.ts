/** A witness to be killed as it keeps what it is asked for: DIRECTORY LOGS before|after. The request comes on standard input. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { openWitness } from '../../../src/cli/witness/files.ts'
import { parseKnownLogs } from '../../../src/transparency/known-logs.ts'
import { Witness } from '../../../src/witness/witness.ts'
import { createMortal } from '../../support/mortal.ts'
import { silentLog } from '../../support/silent-log.ts'

const [directory = '', logsFile = '', when] = process.argv.slice(2)
const { keys, state, keep } = await openWitness(directory)
const mortal = createMortal('keep', when)({ keep })
const witness = new Witness({
  keys,
  state,
  logs: parseKnownLogs(await readFile(logsFile)),
  keep: next => mortal.keep(next),
  clock: () => new Date(),
  log: silentLog
})
const { body } = await witness.addCheckpoint(await buffer(process.stdin))
process.stdout.write(body)
