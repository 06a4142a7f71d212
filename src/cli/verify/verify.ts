import { createHash } from 'node:crypto'
import { isMintlineError } from '../../errors/mintline-error.ts'
import { parseKnownLogs } from '../../transparency/known-logs.ts'
import { parseKeyList } from '../../transparency/note/key-list.ts'
import { labelOf, type VerifierKey } from '../../transparency/note/verifier-key.ts'
import { judgeReceipt, type ReceiptPolicy, type ReceiptVerdict } from '../../transparency/receipt.ts'
import { parseTlogProof, type TlogProof } from '../../transparency/tlog-proof.ts'
import { type CommandIo, parseWordsAndFlags, readBoundedFile, UsageError, wholeNumberOf } from '../command.ts'
import { describeFailure } from '../failure-text.ts'

export const verifyUsage = `usage: mintline verify receipt FILE --entry FILE --logs FILE [--witnesses FILE [--quorum N]] [--json]

Verifies a receipt of a transparency log (C2SP tlog-proof), with no service and no network: that the log has the entry, by a
checkpoint that the log has signed, and that witnesses have seen.

  --entry      the entry, octet for octet as the log has it
  --logs       the verifier keys that count, one a line; behind a key, after a space, the origin of the log where that is
               not the name of the key
  --witnesses  the verifier keys of the witnesses that count, one a line; keys of one name are one witness
  --quorum     how many of them must have cosigned; all of them without it
  --json       for programs

Exit code 0: it is right. 1: it is not, and what is wrong is told. 2: something cannot be read.
`

/** A receipt with the most signatures and the longest proof has room. */
const maximumReceiptBytes = 128 * 1024
/** An entry of C2SP's tiles has no more. */
const maximumEntryBytes = 65_535
const maximumListBytes = 1024 * 1024

/** Runs `mintline verify receipt`. @throws UsageError. @returns the exit code. */
export async function runVerify(io: CommandIo, args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { positionals, values } = parseWordsAndFlags(args, {
    entry: text,
    logs: text,
    witnesses: text,
    quorum: text,
    json: { type: 'boolean' }
  })
  const [what, file, ...others] = positionals
  if (what !== 'receipt') throw new UsageError('say what to verify: receipt')
  if (file === undefined || others.length > 0) throw new UsageError('name one receipt')
  const { entry: entryFile, logs, witnesses, quorum, json = false } = values
  if (entryFile === undefined) throw new UsageError('--entry names the entry that the receipt is of')
  if (logs === undefined) throw new UsageError('--logs names the list of verifier keys of logs')
  if (quorum !== undefined && witnesses === undefined) throw new UsageError('--quorum is of --witnesses')
  try {
    const policy = await readPolicy(logs, witnesses, quorum)
    const entry = await readBoundedFile(entryFile, maximumEntryBytes)
    const proof = parseTlogProof(await readBoundedFile(file, maximumReceiptBytes))
    const verdict = await judgeReceipt(proof, entry, policy)
    const told = { file, entry, proof, verdict }
    io.write(json ? renderJson(told) : render(told))
    return verdict.findings.length === 0 ? 0 : 1
  } catch (error) {
    if (!isMintlineError(error)) throw error
    io.writeError(describeFailure(error))
    return 2
  }
}

async function readPolicy(
  logsFile: string,
  witnessesFile: string | undefined,
  quorum: string | undefined
): Promise<ReceiptPolicy> {
  const logs = parseKnownLogs(await readBoundedFile(logsFile, maximumListBytes))
  if (witnessesFile === undefined) return { logs, witnesses: [], quorum: 0 }
  const witnesses = cosigningKeys(await readBoundedFile(witnessesFile, maximumListBytes), witnessesFile)
  const count = new Set(witnesses.map(({ name }) => name)).size
  return { logs, witnesses, quorum: wholeNumberOf('--quorum', quorum ?? String(count), count) }
}

function cosigningKeys(octets: Uint8Array, file: string): readonly VerifierKey[] {
  const keys = parseKeyList(octets).map(({ line, key, origin }) => {
    if (origin === undefined && key.type !== 'note') return key
    throw new UsageError(`--witnesses: line ${line} of ${file} is no key for cosignatures alone`)
  })
  if (keys.length === 0) throw new UsageError(`--witnesses: ${file} names no key`)
  return keys
}

interface Told {
  readonly file: string
  readonly entry: Uint8Array
  readonly proof: TlogProof
  readonly verdict: ReceiptVerdict
}

const isoTime = (seconds: number) => new Date(seconds * 1_000).toISOString()

function renderJson({ entry, proof, verdict }: Told): string {
  const { index, checkpoint } = proof
  const { findings, logKeys, witnesses } = verdict
  const told = {
    valid: findings.length === 0,
    origin: checkpoint.origin,
    index,
    size: checkpoint.size,
    rootSha256: checkpoint.root.toHex(),
    entrySha256: createHash('sha256').update(entry).digest('hex'),
    logKeys: logKeys.map(labelOf),
    witnesses: witnesses.map(({ name, time }) => ({ name, cosignedAt: isoTime(time) })),
    findings
  }
  return `${JSON.stringify(told, null, 2)}\n`
}

function render({ file, proof, verdict }: Told): string {
  const { index, checkpoint } = proof
  const { findings, witnesses } = verdict
  const seen = witnesses.map(({ name, time }) => `  cosigned by ${name} at ${isoTime(time)}\n`)
  if (findings.length === 0) {
    const { origin, size } = checkpoint
    return `${file}: VALID: the log ${origin} has the entry at ${index}, of ${size} entries\n${seen.join('')}`
  }
  const wrong = findings.map(
    ({ code, expected, found }) => `  ${code}: expected ${expected}; found ${found}\n`
  )
  return `${file}: NOT VALID\n${wrong.join('')}`
}
