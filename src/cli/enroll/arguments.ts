import { type Subject, type SubjectField, subjectFields } from '../../pki/name/subject-field.ts'
import { type CommandIo, parseFlags, readInputFile, UsageError, wholeNumberOf } from '../command.ts'
import type { ConnectionSettings } from './exchange/connection.ts'
import { type FormatName, formats } from './keeping/formats.ts'

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

export function parseEnrollFlags(args: readonly string[]) {
  return parseFlags(args, {
    url: text,
    'token-file': text,
    'ca-file': text,
    'client-cert': text,
    'client-key': text,
    profile: text,
    lot: text,
    subject: { ...text, multiple: true },
    metadata: { ...text, multiple: true },
    csr: text,
    dir: text,
    out: text,
    format: text,
    deadline: text,
    concurrency: text,
    check: flag,
    json: flag
  })
}

export type EnrollFlags = ReturnType<typeof parseEnrollFlags>

type ConnectionFlags = {
  readonly [Flag in 'url' | 'token-file' | 'ca-file' | 'client-cert' | 'client-key']?: string | undefined
}

/** @throws UsageError */
export async function readConnectionSettings(flags: ConnectionFlags): Promise<ConnectionSettings> {
  const { 'token-file': tokenFile, 'ca-file': caFile } = flags
  const { 'client-cert': certificateFile, 'client-key': keyFile } = flags
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw new UsageError('--client-cert and --client-key go together')
  if (tokenFile === undefined && certificateFile === undefined)
    throw new UsageError('--token-file names the file with the token of the station')
  const url = parseUrl(flags.url)
  const client =
    certificateFile === undefined || keyFile === undefined
      ? undefined
      : { certificatePem: await readInputFile(certificateFile), keyPem: await readInputFile(keyFile) }
  if (url.protocol === 'http:' && (caFile !== undefined || client !== undefined))
    throw new UsageError('--ca-file and --client-cert need a --url that begins with https://')
  return {
    url,
    token: tokenFile === undefined ? undefined : await readToken(tokenFile),
    caPem: caFile === undefined ? undefined : await readInputFile(caFile),
    client
  }
}

/** Not of this machine, where nobody is on the way. */
export function warnWithoutTls(
  { writeError }: Pick<CommandIo, 'writeError'>,
  { url }: ConnectionSettings
): void {
  if (url.protocol === 'http:' && !isOnThisMachine(url))
    writeError('warning: without TLS, who is on the way can read the token: use https://\n')
}

function isOnThisMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function parseUrl(value: string | undefined): URL {
  const url = value === undefined ? null : URL.parse(value)
  const isPlain = url !== null && url.username === '' && url.search === '' && url.hash === ''
  if (url !== null && isPlain && /^https?:$/.test(url.protocol)) return url
  throw new UsageError('--url is the address of the service, such as https://mintline.factory.example')
}

async function readToken(file: string): Promise<string> {
  const [token = ''] = (await readInputFile(file)).toString().split('\n', 1)
  // RFC 6750, section 2.1.
  if (/^[A-Za-z0-9._~+/-]{1,4096}=*$/.test(token.trim())) return token.trim()
  throw new UsageError(`--token-file: the first line of ${file} is no token`)
}

/** @throws UsageError */
export function formatOf({ format = 'pem' }: EnrollFlags): FormatName {
  if (Object.hasOwn(formats, format)) return format as FormatName
  throw new UsageError(`--format is one of ${Object.keys(formats).join(', ')}`)
}

/** Seconds; 0 is one try. @throws UsageError */
export function deadlineOf({ deadline }: EnrollFlags, usual: number): number {
  return deadline === undefined ? usual : wholeNumberOf('--deadline', deadline, 86_400)
}

/** @throws UsageError */
export function concurrencyOf({ concurrency = '8' }: EnrollFlags): number {
  const number = wholeNumberOf('--concurrency', concurrency, 64)
  if (number === 0) throw new UsageError('--concurrency is at least 1')
  return number
}

/** @throws UsageError */
export function subjectOf({ subject = [] }: EnrollFlags): Subject {
  const fields = new Map<SubjectField, string>()
  for (const entry of subject) {
    const end = entry.indexOf('=')
    const field = subjectFields.find(each => each === entry.slice(0, end))
    if (field === undefined || end === entry.length - 1)
      throw new UsageError(
        `--subject is FIELD=VALUE, with one of ${subjectFields.join(', ')}; found ${entry}`
      )
    if (fields.has(field)) throw new UsageError(`--subject names ${field} twice`)
    fields.set(field, entry.slice(end + 1))
  }
  return Object.fromEntries(fields)
}

/** @throws UsageError */
export function metadataOf({ metadata = [] }: EnrollFlags): readonly string[] {
  const wrong = metadata.find(entry => !entry.includes(':'))
  if (wrong === undefined) return metadata
  throw new UsageError(`--metadata is key:value; ${wrong} has no colon`)
}
