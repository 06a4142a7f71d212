import { readFileSync } from 'node:fs'
import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import { firstLineOf } from './kind.ts'
import { type Environment, type Setting, settings, type SettingText } from './settings.ts'

export type { Environment } from './settings.ts'

type Settings = typeof settings

/** Everything the service can be told, read once at start. */
export type Config = {
  readonly [Member in keyof Settings]: Settings[Member] extends Setting<infer Value, infer Default>
    ? Value | Default
    : never
}

/** In the order in which they are described. */
export const settingEntries = Object.entries(settings) as readonly [keyof Config, Setting<unknown>][]

/**
 * Reads and validates the environment. Pure but for the files that hold the value of a setting.
 *
 * @throws MintlineError `config_invalid` with every mistake at once; `pointer` is the setting's name. No secret is
 * repeated.
 */
export function loadConfig(environment: Environment, isRoot = process.getuid?.() === 0): Config {
  const { config, violations } = readConfig(environment, isRoot)
  assertNoViolations(violations)
  return config
}

/** @throws MintlineError `config_invalid` when there are any. */
export function assertNoViolations(violations: readonly Violation[]): void {
  if (violations.length === 0) return
  throw new MintlineError('config_invalid', `${violations.length} setting(s) cannot be used.`, { violations })
}

/** The same as `loadConfig`, with the default in the place of each value that is refused. */
export function readConfig(
  environment: Environment,
  isRoot = process.getuid?.() === 0
): { readonly config: Config; readonly violations: readonly Violation[] } {
  const violations = [...refuseUnknown(environment)]
  const members = settingEntries.map(([member, setting]) => {
    const { value, violations: found } = readSetting(setting, environment)
    violations.push(...found)
    return [member, value ?? setting.defaultOf({ environment, isRoot })] as const
  })
  for (const [, setting] of settingEntries) {
    violations.push(...refuseHalf(setting, environment), ...refuseWithoutNeeded(setting, environment))
  }
  const config = Object.freeze(Object.fromEntries(members)) as Config
  const together = [refuseCertificatesUnseen, refuseGaps, refuseOnePort].flatMap(judge => judge(config))
  return { config, violations: [...violations, ...together] }
}

/** Client certificates come by TLS or by a proxy's header, and the header from a proxy alone. */
function refuseCertificatesUnseen(config: Config): readonly Violation[] {
  const { tlsCertFile, tlsClientCaFile, stationCertificates, clientCertHeader, trustedProxies } = config
  const areTaken = tlsClientCaFile !== undefined || stationCertificates
  const refuse = (pointer: string, expected: string) => [
    { pointer, expected, found: 'this one alone', message: 'Set that too, or unset this.' }
  ]
  if (clientCertHeader !== undefined && !areTaken)
    return refuse(
      settings.clientCertHeader.name,
      `${settings.tlsClientCaFile.name} or ${settings.stationCertificates.name}=on as well`
    )
  if (clientCertHeader !== undefined && trustedProxies.length === 0)
    return refuse(settings.clientCertHeader.name, `${settings.trustedProxies.name} as well`)
  if (!areTaken || tlsCertFile !== undefined || clientCertHeader !== undefined) return []
  const expected = `${settings.tlsCertFile.name} as well, or ${settings.clientCertHeader.name}`
  const { name } = tlsClientCaFile === undefined ? settings.stationCertificates : settings.tlsClientCaFile
  return refuse(name, expected)
}

/** The next CRL comes before the last one ends. */
function refuseGaps({ crlOverlapHours, crlValidityHours }: Config): readonly Violation[] {
  if (crlOverlapHours < crlValidityHours) return []
  const { crlOverlapHours: overlap, crlValidityHours: validity } = settings
  const expected = `less than the ${crlValidityHours} of ${validity.name}`
  return [{ pointer: overlap.name, expected, found: `${crlOverlapHours}`, message: 'Set both, or neither.' }]
}

/** One port has one server; of 0 each gets its own. */
function refuseOnePort({ port, statusPort }: Config): readonly Violation[] {
  if (statusPort !== port || port === 0) return []
  const { name } = settings.statusPort
  const expected = `another port than ${settings.port.name}`
  const message = 'Status is told on MINTLINE_PORT as well. Set another port, or unset this.'
  return [{ pointer: name, expected, found: `${port}`, message }]
}

/** The variable that a setting was given by, or would be. */
export function nameOf({ name, fileVariant }: SettingText, environment: Environment): string {
  return fileVariant !== undefined && environment[fileVariant.name] !== undefined ? fileVariant.name : name
}

function refuseUnknown(environment: Environment): readonly Violation[] {
  const known = settingEntries.flatMap(([, { name, fileVariant }]) =>
    fileVariant === undefined ? [name] : [name, fileVariant.name]
  )
  const message = 'There is no such setting; check the spelling.'
  return Object.keys(environment)
    .filter(name => name.startsWith('MINTLINE_') && !known.includes(name))
    .map(name => ({ pointer: name, expected: known.join(', '), found: name, message }))
}

/** Two settings that mean nothing without each other. */
function refuseHalf(
  { name, togetherWith }: Setting<unknown>,
  environment: Environment
): readonly Violation[] {
  if (togetherWith === undefined) return []
  const [pointer, ...others] = [name, togetherWith].filter(each => environment[each] === undefined)
  if (pointer === undefined || others.length > 0) return []
  const expected = `${name} and ${togetherWith} together`
  return [{ pointer, expected, found: 'one of them', message: 'Set both, or neither.' }]
}

function refuseWithoutNeeded(setting: Setting<unknown>, environment: Environment): readonly Violation[] {
  const [, needed] = settingEntries.find(([member]) => member === setting.needs) ?? []
  if (needed === undefined || !isGiven(setting, environment) || isGiven(needed, environment)) return []
  const pointer = nameOf(setting, environment)
  const message = `It means nothing without ${needed.name}: set that too, or unset this.`
  return [{ pointer, expected: `${needed.name} as well`, found: 'this one alone', message }]
}

function isGiven({ name, fileVariant }: SettingText, environment: Environment): boolean {
  return (
    environment[name] !== undefined ||
    (fileVariant !== undefined && environment[fileVariant.name] !== undefined)
  )
}

interface Read {
  /** Undefined: the default. */
  readonly value?: unknown
  readonly violations: readonly Violation[]
}

function readSetting(setting: Setting<unknown>, environment: Environment): Read {
  const { name, fileVariant } = setting
  const direct = readVariable(name, environment)
  const file = fileVariant === undefined ? undefined : readVariable(fileVariant.name, environment)
  const violations = [...direct.violations, ...(file?.violations ?? [])]
  if (fileVariant === undefined || file?.text === undefined) {
    return direct.text === undefined
      ? { violations }
      : parse(setting, { pointer: name, text: direct.text }, violations)
  }
  const pointer = fileVariant.name
  if (direct.text !== undefined) {
    const expected = `one of ${name} and ${pointer}`
    violations.push({ pointer, expected, found: 'both', message: 'Unset one of them.' })
  }
  const content = readFirstLine(file.text)
  if (content !== undefined) return parse(setting, { pointer, text: content }, violations)
  const expected = 'a file that can be read'
  violations.push({ pointer, expected, found: file.text, message: 'Check path and mode.' })
  return { violations }
}

function parse(
  { kind }: Setting<unknown>,
  { pointer, text }: { readonly pointer: string; readonly text: string },
  violations: readonly Violation[]
): Read {
  const { value, refusals = [] } = kind.parse(text)
  return { value, violations: [...violations, ...refusals.map(refusal => ({ pointer, ...refusal }))] }
}

function readVariable(name: string, environment: Environment) {
  const text = environment[name]
  if (text !== '') return { text, violations: [] }
  const expected = 'a value'
  const message = 'Give it a value or unset it.'
  return { violations: [{ pointer: name, expected, found: 'an empty string', message }] }
}

function readFirstLine(path: string): string | undefined {
  try {
    return firstLineOf(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
