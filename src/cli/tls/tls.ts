import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { writeNewFiles } from '../../authorities/ceremony/new-files.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { quoteForShell } from '../../config/shell.ts'
import { millisecondsPerDay } from '../../pki/der/time.ts'
import { encodeCertificatePem } from '../../pki/pem/pem.ts'
import { createRandomSource } from '../../sources/random-bytes.ts'
import { type CommandIo, parseWordsAndFlags, UsageError, wholeNumberOf } from '../command.ts'
import { trialFiles } from './access.ts'
import { createTrialCertificates } from './trial-certificate.ts'

const maximumDays = 825
const usualDays = 365

export const tlsUsage = `usage: mintline tls init [--name NAME]… [--days N] [--out DIR]

Makes a certificate and a key with which the service speaks TLS, to try it out, and a CA for them alone: it is none of the
authorities, and its key is thrown away. They go into the folder tls of the data directory, or DIR; nothing is overwritten.
They are for localhost, 127.0.0.1, ::1, the name of this machine, and each NAME, a DNS name or an IP address, for
${usualDays} days unless told otherwise (${maximumDays} at most).
In production, have the certificate issued by the CA that your stations trust.
`

/**
 * Runs `mintline tls init`.
 *
 * @throws UsageError; MintlineError of the settings, and what `writeNewFiles` throws.
 */
export async function runTls(io: CommandIo, args: readonly string[]): Promise<number> {
  const { positionals, values } = parseWordsAndFlags(args, {
    name: { type: 'string', multiple: true },
    days: { type: 'string' },
    out: { type: 'string' }
  })
  if (positionals.length !== 1 || positionals[0] !== 'init') throw new UsageError('say what to do: init')
  const config = loadConfig(io.environment)
  const directory = values.out === undefined ? join(config.dataDirectory, 'tls') : resolve(values.out)
  const names = namesFor(config, values.name ?? [])
  const days = values.days === undefined ? usualDays : wholeNumberOf('--days', values.days, maximumDays)
  const notBefore = new Date(Math.floor(Date.now() / 1_000) * 1_000)
  const notAfter = new Date(notBefore.getTime() + days * millisecondsPerDay)
  const made = await createTrialCertificates({
    names,
    notBefore,
    notAfter,
    randomBytes: createRandomSource()
  })
  const mode = 0o600
  await writeNewFiles(directory, [
    { name: trialFiles.ca, text: encodeCertificatePem(made.caDer), mode },
    { name: trialFiles.key, text: made.serverKey.export({ format: 'pem', type: 'pkcs8' }).toString(), mode },
    { name: trialFiles.certificate, text: encodeCertificatePem(made.serverDer), mode }
  ])
  io.write(describeNextSteps(directory, names, config))
  return 0
}

/** @throws UsageError for what is neither a DNS name nor an IP address. */
function namesFor({ host }: Config, asked: readonly string[]): readonly string[] {
  const wrong = asked.find(name => !isName(name))
  if (wrong !== undefined) throw new UsageError(`--name is a DNS name or an IP address, not ${wrong}`)
  const own = [host, hostname().toLowerCase()].filter(
    name => isName(name) && !['0.0.0.0', '::'].includes(name)
  )
  return [...new Set(['localhost', '127.0.0.1', '::1', ...own, ...asked])]
}

/** RFC 1034 §3.5, with a label alone as well. */
function isName(text: string): boolean {
  const isDnsName =
    text.length <= 253 &&
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text)
  return text.includes('%') ? false : isIP(text) !== 0 || (isDnsName && !/(^|\.)\d+$/.test(text))
}

function describeNextSteps(directory: string, names: readonly string[], { port }: Config): string {
  const file = (name: string) => quoteForShell(join(directory, name))
  return `Written to ${directory}, for ${names.join(', ')}.
The key of the CA was thrown away: it signs nothing else. This is for trying out only.

Start the service with it:

  export MINTLINE_TLS_CERT_FILE=${file(trialFiles.certificate)}
  export MINTLINE_TLS_KEY_FILE=${file(trialFiles.key)}
  mintline serve

Ask it, from wherever ${trialFiles.ca} is:

  curl -sS --cacert ${file(trialFiles.ca)} https://localhost:${port}/readyz
`
}
