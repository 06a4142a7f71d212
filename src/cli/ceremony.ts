import { signIntermediate } from '../authorities/ceremony/intermediate.ts'
import { type NewFile, writeNewFiles } from '../authorities/ceremony/new-files.ts'
import { createRoot } from '../authorities/ceremony/root.ts'
import { parseSubjectText } from '../authorities/ceremony/subject-text.ts'
import {
  describeCertificate,
  describeFile,
  renderTranscriptJson,
  renderTranscriptText,
  type Transcript
} from '../authorities/ceremony/transcript.ts'
import { importAuthorityKey } from '../authorities/generations/import-key.ts'
import { programVersion } from '../config/version.ts'
import { decodeCertificate } from '../pki/certificate/intake.ts'
import { decodeCertificationRequest } from '../pki/csr/intake.ts'
import { millisecondsPerDay } from '../pki/der/time.ts'
import { encodeCertificatePem, encodeChainPem } from '../pki/pem/pem.ts'
import { encryptPrivateKey } from '../signing/signers/local/key-file.ts'
import { type LocalKeyType, localKeyTypes } from '../signing/signers/local/local-key.ts'
import { loadPassphrase } from '../signing/signers/secret-file.ts'
import { createRandomSource } from '../sources/random-bytes.ts'
import { type CommandIo, parseFlags, readInputFile, UsageError } from './command.ts'

export const ceremonyUsage = `usage: mintline ceremony root --out DIR --subject "CN=…,O=…,C=…" --passphrase-file FILE
           [--key ${localKeyTypes.join('|')}] [--days N] [--path-length N] [--operator NAME]…
       mintline ceremony sign --root-key FILE --root-certificate FILE --passphrase-file FILE --csr FILE
           --days N --out DIR [--path-length N] [--operator NAME]…

root   makes the key and the certificate of an offline root; P-384, 7300 days and path length 1 unless told otherwise
sign   signs the CSR of an issuing authority with that root; path length 0 unless told otherwise

Both need neither network nor database, overwrite nothing, and write a transcript to be filed.
`

type Flags = Readonly<Record<string, string | readonly string[] | undefined>>

const flagNames = {
  root: ['out', 'subject', 'passphrase-file', 'key', 'days', 'path-length', 'operator'],
  sign: ['out', 'root-key', 'root-certificate', 'passphrase-file', 'csr', 'days', 'path-length', 'operator']
} as const

interface Bounds {
  readonly minimum: number
  readonly maximum: number
}

const possibleDays: Bounds = { minimum: 1, maximum: 36_500 }
const possiblePathLength: Bounds = { minimum: 0, maximum: 8 }

/**
 * Runs `mintline ceremony …`.
 *
 * @throws UsageError, also for a file that cannot be read; MintlineError what `createRoot`, `signIntermediate`, `importAuthorityKey` and `writeNewFiles` throw.
 */
export async function runCeremony(io: CommandIo, args: readonly string[]): Promise<number> {
  const [ceremony, ...rest] = args
  if (ceremony === 'root') await runRoot(readFlags('root', rest), io)
  else if (ceremony === 'sign') await runSign(readFlags('sign', rest), io)
  else throw new UsageError('say which ceremony: root or sign')
  return 0
}

async function runRoot(flags: Flags, io: CommandIo): Promise<void> {
  const directory = required(flags, 'out')
  const subject = parseSubjectText(required(flags, 'subject'))
  const passphrase = await loadPassphrase(required(flags, 'passphrase-file'), '--passphrase-file')
  const keyType = readKeyType(flags)
  const days = readNumber(flags, 'days', possibleDays) ?? 7_300
  const pathLength = readNumber(flags, 'path-length', possiblePathLength) ?? 1
  const now = wholeSeconds(new Date())
  const validity = { notBefore: now, notAfter: daysAfter(now, days) }
  const randomBytes = createRandomSource()
  const root = await createRoot({ keyType, subject, pathLength, randomBytes, ...validity })
  const outputs: NewFile[] = [
    { name: 'root.key.pem', text: await encryptPrivateKey(root.privateKey, passphrase), mode: 0o600 },
    { name: 'root.cert.pem', text: encodeCertificatePem(root.certificateDer), mode: 0o644 }
  ]
  const record = {
    ...startTranscript('root', now, flags),
    parameters: { key: keyType, days, pathLength },
    inputs: [],
    certificates: [describeCertificate(root.certificateDer)]
  }
  await finish(io, directory, { name: 'root', outputs, record })
}

async function runSign(flags: Flags, io: CommandIo): Promise<void> {
  const directory = required(flags, 'out')
  const days = readNumber(flags, 'days', possibleDays)
  if (days === undefined) throw new UsageError('--days is missing')
  const pathLength = readNumber(flags, 'path-length', possiblePathLength) ?? 0
  const [keyFile, certificateFile, csrFile] = await Promise.all(
    ['root-key', 'root-certificate', 'csr'].map(async name => {
      const file = required(flags, name)
      return { file, content: await readInputFile(file) }
    })
  )
  const passphrase = await loadPassphrase(required(flags, 'passphrase-file'), '--passphrase-file')
  const rootCertificateDer = decodeCertificate(certificateFile!.content)
  const now = wholeSeconds(new Date())
  const certificateDer = await signIntermediate({
    rootKey: importAuthorityKey(keyFile!.content.toString('latin1'), passphrase),
    rootCertificateDer,
    csrDer: decodeCertificationRequest(csrFile!.content),
    notBefore: now,
    notAfter: daysAfter(now, days),
    pathLength,
    randomBytes: createRandomSource()
  })
  const chainDer = [certificateDer, rootCertificateDer]
  const outputs: NewFile[] = [
    { name: 'authority.cert.pem', text: encodeCertificatePem(certificateDer), mode: 0o644 },
    { name: 'authority.chain.pem', text: encodeChainPem(chainDer), mode: 0o644 }
  ]
  const record = {
    ...startTranscript('sign', now, flags),
    parameters: { days, pathLength },
    inputs: [keyFile!, certificateFile!, csrFile!].map(({ file, content }) => describeFile(file, content)),
    certificates: chainDer.map(describeCertificate)
  }
  await finish(io, directory, { name: 'authority', outputs, record })
}

function startTranscript(ceremony: Transcript['ceremony'], now: Date, flags: Flags) {
  return {
    format: 'mintline-ceremony/1' as const,
    ceremony,
    time: now.toISOString(),
    tool: {
      name: 'mintline',
      version: programVersion,
      nodeVersion: process.versions.node,
      opensslVersion: process.versions.openssl
    },
    operators: (flags['operator'] ?? []) as readonly string[]
  }
}

interface Result {
  readonly name: 'root' | 'authority'
  readonly outputs: readonly NewFile[]
  readonly record: Omit<Transcript, 'outputs'>
}

async function finish(io: CommandIo, directory: string, { name, outputs, record }: Result): Promise<void> {
  const described = outputs.map(output => describeFile(output.name, output.text))
  const transcript: Transcript = { ...record, outputs: described }
  const json = renderTranscriptJson(transcript)
  const text = renderTranscriptText(transcript)
  const transcripts: NewFile[] = [
    { name: `${name}.transcript.json`, text: json, mode: 0o644 },
    { name: `${name}.transcript.txt`, text, mode: 0o644 }
  ]
  // The transcript is on the disk before the certificate that it tells of.
  await writeNewFiles(directory, [...transcripts, ...outputs])
  const { file, sha256Hex } = describeFile(`${name}.transcript.json`, json)
  io.write(`${text}\nWritten to ${directory}. Note on paper:\n  ${file}\n    SHA-256 ${sha256Hex}\n`)
}

function readFlags(ceremony: keyof typeof flagNames, args: readonly string[]): Flags {
  const options = Object.fromEntries(
    flagNames[ceremony].map(name => [name, { type: 'string' as const, multiple: name === 'operator' }])
  )
  return parseFlags(args, options)
}

function required(flags: Flags, name: string): string {
  const value = flags[name]
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} is missing`)
  return value
}

function readNumber(flags: Flags, name: string, { minimum, maximum }: Bounds): number | undefined {
  const text = flags[name]
  if (text === undefined) return undefined
  const value = typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (value >= minimum && value <= maximum) return value
  throw new UsageError(`--${name} is a whole number from ${minimum} to ${maximum}`)
}

function readKeyType({ key = 'P-384' }: Flags): LocalKeyType {
  const keyType = localKeyTypes.find(candidate => candidate === key)
  if (keyType === undefined) throw new UsageError(`--key is one of ${localKeyTypes.join(', ')}`)
  return keyType
}

/** A certificate holds no fraction of a second. */
function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1_000) * 1_000)
}

function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * millisecondsPerDay)
}
