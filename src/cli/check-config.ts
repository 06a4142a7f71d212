import {
  assertNoViolations,
  type Config,
  type Environment,
  type Setting,
  settings
} from '../config/config.ts'
import { checkSettings } from '../config/setting-checks.ts'
import type { CommandIo } from './command.ts'
import { describeViolation } from './failure-text.ts'
import { probeListening } from './start-failure.ts'

export const checkConfigUsage = `usage: mintline check-config

Says what the service would run with, and tries it: the files can be read, the data directory can be used, the address
can be listened on. Starts nothing, changes nothing and shows no secret.
Exit code 0: the service can start with the settings, perhaps with warnings. 1: it cannot.
`

/** So that what follows the names stands in one column. */
const nameWidth = Math.max(...settings.map(({ name }) => name.length))

/**
 * Says what the service would run with. Secrets are not shown.
 *
 * @throws MintlineError `config_invalid` with every mistake.
 */
export async function runCheckConfig(io: CommandIo): Promise<number> {
  const { config, violations, warnings } = checkSettings(io.environment)
  const { violation, isInUse } = await probeListening(config)
  const isRefused = violations.some(({ pointer }) => pointer === violation?.pointer)
  const listening = violation === undefined || isRefused ? [] : [violation]
  assertNoViolations(isInUse ? violations : [...violations, ...listening])
  for (const setting of settings) {
    io.write(`${setting.name.padEnd(nameWidth)} ${describeValue(setting, config, io.environment)}\n`)
  }
  const told = isInUse ? [...warnings, ...listening] : warnings
  for (const warning of told) io.writeError(`warning:\n${describeViolation(warning)}\n`)
  io.write('\nThe settings can be used.\n')
  return 0
}

function describeValue({ name, member, defaultText }: Setting, config: Config, environment: Environment) {
  const value = config[member]
  if (member === 'databaseUrl') {
    if (value === undefined) return name === 'DATABASE_URL' ? defaultText : '(not set)'
    return environment[name] === undefined ? '(not set)' : '(set, not shown)'
  }
  // Its path or query often is a secret.
  if (member === 'webhookUrl' && value !== undefined) return `${new URL(String(value)).origin}/… (not shown)`
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return String(value ?? defaultText)
}

/** One line a setting, for the usage text. */
export function describeSettings(): string {
  return settings
    .map(
      ({ name, defaultText, meaning }) => `  ${name.padEnd(nameWidth)} ${meaning} Default: ${defaultText}.`
    )
    .join('\n')
}
