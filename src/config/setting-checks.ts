import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Violation } from '../errors/mintline-error.ts'
import { parseWebhookSecret } from '../events/signature.ts'
import { assertNoViolations, type Config, type Environment, readConfig } from './config.ts'

export interface CheckedSettings {
  readonly config: Config
  readonly violations: readonly Violation[]
  /** What works and should not stay so. */
  readonly warnings: readonly Violation[]
}

/**
 * Reads the environment and holds it against this machine: whether the named files can be read and the data directory
 * can be used. Changes nothing.
 *
 * @returns every mistake; `pointer` is the setting's name. Of DATABASE_URL only the names of files in it are repeated.
 */
export function checkSettings(environment: Environment): CheckedSettings {
  const { config, violations } = readConfig(environment)
  const refused = new Set(violations.map(({ pointer }) => pointer))
  const found = [
    ...checkDataDirectory(config),
    ...checkPassphraseFile(config),
    ...checkTlsFiles(config, environment),
    ...checkWebhookSecret(config)
  ]
  return {
    config,
    // Of a setting that is refused, the default stands in the configuration; nothing is to be said of that.
    violations: [...violations, ...found.filter(({ pointer }) => !refused.has(pointer))],
    warnings: [
      ...checkSecrecy('DATABASE_URL_FILE', environment['DATABASE_URL_FILE']),
      ...checkSecrecy('MINTLINE_CA_PASSPHRASE_FILE', config.caPassphraseFile),
      ...checkSecrecy('MINTLINE_WEBHOOK_SECRET_FILE', config.webhookSecretFile)
    ]
  }
}

/** @throws MintlineError `config_invalid` with every mistake that `checkSettings` finds. */
export function loadCheckedSettings(environment: Environment): Omit<CheckedSettings, 'violations'> {
  const { violations, ...settings } = checkSettings(environment)
  assertNoViolations(violations)
  return settings
}

/** A directory that is not there yet can be made where the nearest one above it can be written. */
function checkDataDirectory({ dataDirectory, databaseUrl }: Config): readonly Violation[] {
  let nearest = dataDirectory
  while (!isThere(nearest) && nearest !== dirname(nearest)) nearest = dirname(nearest)
  const isReadAlone = databaseUrl !== undefined && nearest === dataDirectory
  const needed = isReadAlone ? constants.R_OK : constants.W_OK
  const refuse = (found: string, message: string): readonly Violation[] => [
    { pointer: 'MINTLINE_DATA_DIR', expected: 'a directory that can be used', found, message }
  ]
  try {
    if (!statSync(nearest).isDirectory()) return refuse(`${nearest}, a file`, 'Name a directory.')
    accessSync(nearest, needed | constants.X_OK)
    return []
  } catch (error) {
    return refuse(
      `${nearest} (${codeOf(error)})`,
      'Make the directory, owned by the user who runs Mintline, or name another one.'
    )
  }
}

function isThere(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes(codeOf(error))
  }
}

function checkPassphraseFile({ caPassphraseFile, dataDirectory }: Config): readonly Violation[] {
  const file = caPassphraseFile ?? join(dataDirectory, 'ca-passphrase')
  // The starter's own is made when it is needed.
  if (caPassphraseFile === undefined && !isThere(file)) return []
  return checkFile('MINTLINE_CA_PASSPHRASE_FILE', file, 'a file whose first line is the passphrase', text =>
    /^[^\r\n]/.test(text)
  )
}

function checkWebhookSecret({ webhookSecretFile }: Config): readonly Violation[] {
  if (webhookSecretFile === undefined) return []
  return checkFile(
    'MINTLINE_WEBHOOK_SECRET_FILE',
    webhookSecretFile,
    'a file whose first line is whsec_ and the base64 of 24 to 64 octets',
    text => parseWebhookSecret(text.split(/\r?\n/, 1)[0] ?? '') !== undefined
  )
}

/** The driver reads them while it takes the address apart, with an error of its own. */
function checkTlsFiles({ databaseUrl }: Config, environment: Environment): readonly Violation[] {
  if (databaseUrl === undefined) return []
  const pointer = environment['DATABASE_URL_FILE'] === undefined ? 'DATABASE_URL' : 'DATABASE_URL_FILE'
  const parameters = new URL(databaseUrl).searchParams
  return ['sslrootcert', 'sslcert', 'sslkey'].flatMap(name => {
    const file = parameters.getAll(name).at(-1) ?? ''
    return file === '' ? [] : checkFile(pointer, file, `a file that can be read as ${name}`, isNotEmpty)
  })
}

const isNotEmpty = (text: string) => text !== ''

function checkFile(
  pointer: string,
  file: string,
  expected: string,
  isUsable: (text: string) => boolean
): readonly Violation[] {
  const refuse = (found: string, message: string) => [{ pointer, expected, found, message }]
  try {
    // It is read more than once, so that a pipe will not do.
    if (!statSync(file).isFile()) return refuse(`${file}, which is no file`, 'Name a file.')
    if (isUsable(readFileSync(file, 'utf8'))) return []
    return refuse(`${file}, without one`, 'Write the secret into it, or name another file.')
  } catch (error) {
    return refuse(`${file} (${codeOf(error)})`, 'Check path, owner and mode.')
  }
}

const readableForOthers = 0o044

function checkSecrecy(pointer: string, file: string | undefined): readonly Violation[] {
  const mode = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })?.mode
  if (file === undefined || mode === undefined || (mode & readableForOthers) === 0) return []
  return [
    {
      pointer,
      expected: 'a file that only its owner can read',
      found: `${file} with mode ${(mode & 0o777).toString(8).padStart(4, '0')}`,
      message: 'It holds a secret: take the right to read it from group and others.'
    }
  ]
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
