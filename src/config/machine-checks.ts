import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Violation } from '../errors/mintline-error.ts'
import { examineMesFile } from '../mes/mes-file.ts'
import { judgePair } from '../tls/server-pair.ts'
import { assertNoViolations, type Config, nameOf, readConfig, settingEntries } from './config.ts'
import type { FileContent } from './kind.ts'
import { checkSecrecy, ownSecretFiles, type SecrecyFindings, type SecretFile } from './secrecy.ts'
import { serverPairSettings } from './server-pair-files.ts'
import { type Environment, settings } from './settings.ts'

export interface CheckedSettings {
  readonly config: Config
  readonly violations: readonly Violation[]
  /** Those that keep the lines of one key store from issuing, and nothing else. */
  readonly ofOneKeyStore: readonly Violation[]
  /** What works and should not stay so. */
  readonly warnings: readonly Violation[]
}

/**
 * Reads the environment and holds it against this machine: whether the named files can be read and the data directory
 * can be used. Changes nothing.
 *
 * @returns every mistake; `pointer` is the setting's name. Of a database's URL only the names of files in it are repeated.
 */
export function checkSettings(environment: Environment): CheckedSettings {
  const { config, violations } = readConfig(environment)
  const refused = new Set(violations.map(({ pointer }) => pointer))
  const files = namedFiles(config)
  const keyStores: readonly string[] = [settings.pkcs11PinFile.name, settings.caPassphraseFile.name]
  const ofOneKeyStore = files.filter(({ name }) => keyStores.includes(name)).flatMap(checkNamed)
  const named = files.flatMap(checkNamed)
  const serverPair = checkServerPair(config, named)
  const mes = examineMesFile(config.mesFile)
  const found = [
    ...checkDataDirectory(config),
    ...named,
    ...serverPair.violations,
    ...mes.violations,
    ...checkTlsFiles(config.databaseUrl, nameOf(settings.databaseUrl, environment)),
    ...checkTlsFiles(config.databaseOwnerUrl, nameOf(settings.databaseOwnerUrl, environment))
  ]
  const secrecy = checkSecrecy([
    ...secretFiles(config, environment),
    ...mes.secretFiles,
    ...ownSecretFiles(settings.dataDirectory.name, config.dataDirectory)
  ])
  return {
    config,
    ofOneKeyStore,
    // Of a setting that is refused, the default stands in the configuration; nothing is to be said of that.
    violations: [
      ...violations,
      ...[...found, ...secrecy.violations].filter(({ pointer }) => !refused.has(pointer))
    ],
    warnings: [...secrecy.warnings, ...serverPair.warnings]
  }
}

/** @throws MintlineError `config_invalid` with every mistake that `checkSettings` finds. */
export function loadCheckedSettings(environment: Environment): Pick<CheckedSettings, 'config' | 'warnings'> {
  const { violations, config, warnings } = checkSettings(environment)
  assertNoViolations(violations)
  return { config, warnings }
}

/**
 * As `loadCheckedSettings`, for the service, which starts with what keeps only the lines of one key store from issuing:
 * those are warnings.
 */
export function loadServiceSettings(environment: Environment): Pick<CheckedSettings, 'config' | 'warnings'> {
  const { violations, ofOneKeyStore, config, warnings } = checkSettings(environment)
  const isOfOne = ({ pointer, found }: Violation) =>
    ofOneKeyStore.some(each => each.pointer === pointer && each.found === found)
  assertNoViolations(violations.filter(each => !isOfOne(each)))
  return { config, warnings: [...warnings, ...ofOneKeyStore] }
}

interface NamedFile {
  readonly name: string
  readonly file: string
  readonly content: FileContent
}

/** The files that settings name by their kind. */
function namedFiles(config: Config): readonly NamedFile[] {
  return settingEntries.flatMap(([member, { name, kind }]) => {
    const file = member === 'caPassphraseFile' ? passphraseFileOf(config) : config[member]
    const { content } = kind
    return typeof file !== 'string' || content === undefined ? [] : [{ name, file, content }]
  })
}

/** The starter's own is made when it is needed. */
function passphraseFileOf({ caPassphraseFile, dataDirectory }: Config): string | undefined {
  const own = join(dataDirectory, 'ca-passphrase')
  return caPassphraseFile ?? (isThere(own) ? own : undefined)
}

/** Those that an operator names, by their variables. */
function secretFiles(config: Config, environment: Environment): readonly SecretFile[] {
  const variants = settingEntries.flatMap(([, { fileVariant }]) => {
    const file = fileVariant === undefined ? undefined : environment[fileVariant.name]
    return fileVariant === undefined || !file ? [] : [{ pointer: fileVariant.name, file }]
  })
  const named = namedFiles(config).filter(
    ({ name, file, content }) => content.isSecret && environment[name] === file
  )
  return [...variants, ...named.map(({ name, file }) => ({ pointer: name, file }))]
}

/** A directory that is not there yet can be made where the nearest one above it can be written. */
function checkDataDirectory({ dataDirectory, databaseUrl }: Config): readonly Violation[] {
  let nearest = dataDirectory
  while (!isThere(nearest) && nearest !== dirname(nearest)) nearest = dirname(nearest)
  const isReadAlone = databaseUrl !== undefined && nearest === dataDirectory
  const needed = isReadAlone ? constants.R_OK : constants.W_OK
  const refuse = (found: string, message: string): readonly Violation[] => [
    { pointer: settings.dataDirectory.name, expected: 'a directory that can be used', found, message }
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

/** The driver reads them while it takes the address apart, with an error of its own. */
function checkTlsFiles(url: string | undefined, name: string): readonly Violation[] {
  if (url === undefined) return []
  const parameters = new URL(url).searchParams
  return ['sslrootcert', 'sslcert', 'sslkey'].flatMap(parameter => {
    const file = parameters.getAll(parameter).at(-1) ?? ''
    const expected = `a file that can be read as ${parameter}`
    return file === ''
      ? []
      : checkFile(name, file, { expected, isUsable: text => text !== '', isSecret: false })
  })
}

/** Once both files can be read. */
function checkServerPair(config: Config, found: readonly Violation[]): SecrecyFindings {
  const { tlsCertFile, tlsKeyFile } = config
  const names: readonly string[] = [settings.tlsCertFile.name, settings.tlsKeyFile.name]
  const isReadable = !found.some(({ pointer }) => names.includes(pointer))
  if (tlsCertFile === undefined || tlsKeyFile === undefined || !isReadable)
    return { violations: [], warnings: [] }
  const certificatePem = readFileSync(tlsCertFile, 'utf8')
  const keyPem = readFileSync(tlsKeyFile, 'utf8')
  return judgePair({ certificatePem, keyPem }, serverPairSettings, new Date())
}

function checkNamed({ name, file, content }: NamedFile): readonly Violation[] {
  return checkFile(name, file, content)
}

function checkFile(pointer: string, file: string, content: FileContent): readonly Violation[] {
  const { expected, isUsable, isSecret } = content
  const refuse = (found: string, message: string) => [{ pointer, expected, found, message }]
  try {
    // It is read more than once, so that a pipe will not do.
    if (!statSync(file).isFile()) return refuse(`${file}, which is no file`, 'Name a file.')
    if (isUsable(readFileSync(file, 'utf8'))) return []
    const write = isSecret ? 'Write the secret into it' : 'Write it as it is expected'
    return refuse(`${file}, without one`, `${write}, or name another file.`)
  } catch (error) {
    return refuse(`${file} (${codeOf(error)})`, 'Check path, owner and mode.')
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
