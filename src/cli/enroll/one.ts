import { dirname, resolve } from 'node:path'
import { type CommandIo, readInputFile, UsageError } from '../command.ts'
import { isFailure } from './asking.ts'
import { exitCodes } from './exchange/outcome.ts'
import type { FormatName } from './keeping/formats.ts'
import { formats } from './keeping/formats.ts'
import { assertWritable, writeWhole } from './keeping/keeping.ts'
import { enroll, type Station } from './station.ts'
import { describeFailedRequest, viewFailure } from './telling.ts'

interface OneCsr {
  readonly csrFile: string
  readonly outFile: string
  readonly format: FormatName
  readonly isJson: boolean
}

/** Has one CSR certified and keeps the answer. What was there before stays unless there is a new one. */
export async function enrollOne(
  io: CommandIo,
  station: Station,
  { csrFile, outFile, format, isJson }: OneCsr
): Promise<number> {
  const csr = await readInputFile(csrFile)
  if (resolve(csrFile) === resolve(outFile)) throw new UsageError('--out is the file of the CSR')
  await assertWritable('--out', dirname(outFile))
  const result = await enroll(station, csr)
  const write = (told: object) => io.write(`${JSON.stringify({ csr: csrFile, ...told })}\n`)
  if (isFailure(result)) {
    if (isJson) write(viewFailure(result))
    io.writeError(`mintline enroll: ${describeFailedRequest(result)}\n`)
    return exitCodes[result.kind]
  }
  const { chainDer, replayed, issuanceId, certificateId } = result
  await writeWhole(outFile, formats[format].encode(chainDer))
  const outcome = replayed ? 'replayed' : 'issued'
  if (isJson) write({ outcome, exitCode: 0, out: outFile, issuanceId, certificateId })
  else io.write(`${outcome}: ${outFile}, certificate ${certificateId}\n`)
  return 0
}
