import { readFile } from 'node:fs/promises'
import { createAuthorityStore } from '../authorities/authority-store.ts'
import { createCertificateIntentStore } from '../authorities/certificates/certificate-intent-store.ts'
import { createAuthorityCreation, type ImportedAuthority } from '../authorities/generations/creation.ts'
import { importAuthorityKey } from '../authorities/generations/import-key.ts'
import { type AuthorityPurpose, authorityPurposes } from '../authorities/purpose.ts'
import { withDatabase } from '../composition/open-database.ts'
import { signerSettingsOf } from '../composition/signer-settings.ts'
import type { Config } from '../config/config.ts'
import { loadCheckedSettings } from '../config/machine-checks.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import { findOtherForm } from '../pki/pem/other-form.ts'
import { encodePem } from '../pki/pem/pem.ts'
import { createKeyProvision } from '../signing/signers/key-provision.ts'
import { createSignerOpener } from '../signing/signers/open-signer.ts'
import { loadPassphrase } from '../signing/signers/secret-file.ts'
import { createRandomSource } from '../sources/random-bytes.ts'
import { type CommandIo, createCommandLog, operatingSystemAct, parseFlags, UsageError } from './command.ts'
import { translateStartFailure } from './start-failure.ts'

export const authorityUsage = `usage: mintline authority import --line LINE --key FILE --certificate FILE [--passphrase-file FILE]
                                 [--purpose devices|stations]

Takes over a CA key that was made elsewhere, as the next generation of the line. It is staged: activate it
with POST /v1/authorities/NAME/activate.

  --line             the authority line, e.g. acme-devices
  --key              the private key: PKCS#8, PKCS#1 or SEC1, PEM or DER, encrypted or not
  --certificate      PEM: its own certificate first, the issuers after it, the root last; DER of a self-signed one
  --passphrase-file  file whose first line opens the key, if it is encrypted
  --purpose          for whom a new line signs: devices unless given; stations for the stations' own certificates

The key is kept encrypted in the data directory. With the embedded database, stop the service first.
`

/**
 * @returns the exit code.
 * @throws UsageError; MintlineError `authority_invalid`, `authority_exists`, `key_unusable`; what keeps the database away.
 */
export async function runAuthority(io: CommandIo, args: readonly string[]): Promise<number> {
  const [action, ...rest] = args
  if (action !== 'import') throw new UsageError('the only command is `import`')
  const options = parseOptions(rest)
  const { config } = loadCheckedSettings(io.environment)
  const { name, irregularities } = await importFromFiles(io, config, options)
  io.write(`${name} is staged.\n`)
  io.writeError(
    `note: what its key has signed and revoked elsewhere is not on record, and the CRL and OCSP of ${name} do not tell of it. Read "A key that signed elsewhere" in docs/crl.md before you activate it.\n`
  )
  for (const { expected, message } of irregularities) {
    io.writeError(`warning: its certificate lacks ${expected}. ${message}\n`)
  }
  return 0
}

interface ImportOptions {
  readonly line: string
  readonly key: string
  readonly certificate: string
  readonly 'passphrase-file': string | undefined
  readonly purpose: AuthorityPurpose | undefined
}

function parseOptions(args: readonly string[]): ImportOptions {
  const text = { type: 'string' } as const
  const options = { line: text, key: text, certificate: text, 'passphrase-file': text, purpose: text }
  const values = parseFlags(args, options)
  const { line, key, certificate } = values
  const purpose = authorityPurposes.find(each => each === values.purpose)
  if (values.purpose !== purpose) throw new UsageError(`--purpose is one of ${authorityPurposes.join(', ')}`)
  if (line === undefined) throw new UsageError('--line is missing')
  if (key === undefined) throw new UsageError('--key is missing')
  if (certificate === undefined) throw new UsageError('--certificate is missing')
  return { line, key, certificate, 'passphrase-file': values['passphrase-file'], purpose }
}

async function importFromFiles(
  io: CommandIo,
  config: Config,
  options: ImportOptions
): Promise<ImportedAuthority> {
  const { line, key, certificate, purpose, 'passphrase-file': passphraseFile } = options
  const passphrase =
    passphraseFile === undefined ? undefined : await loadPassphrase(passphraseFile, '--passphrase-file')
  const privateKey = importAuthorityKey(await readText(key), passphrase)
  const chainPem = toChainPem(await readText(certificate))
  const settings = signerSettingsOf(config)
  return withDatabase(config, createCommandLog(io), database =>
    createAuthorityCreation({
      store: createAuthorityStore(database),
      intents: createCertificateIntentStore(database),
      keys: createKeyProvision(settings),
      openSigner: createSignerOpener(settings),
      clock: () => new Date(),
      randomBytes: createRandomSource()
    }).importKey({ line, purpose, privateKey, chainPem }, operatingSystemAct())
  ).catch((error: unknown) => {
    throw translateStartFailure(error, config)
  })
}

/** One certificate may be DER. What is none is told of when the chain is read. */
function toChainPem(text: string): string {
  const octets = Buffer.from(text, 'latin1')
  const isDer = text.startsWith('\x30') && !text.includes('-----BEGIN') && findOtherForm(octets) === undefined
  return isDer ? encodePem('CERTIFICATE', octets) : text
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'latin1').catch((cause: unknown) => {
    throw new MintlineError('key_unusable', `The file ${path} cannot be read.`, { cause })
  })
}
