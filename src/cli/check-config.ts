import { loadConfig, settings } from '../config.ts'
import type { CommandIo } from './command.ts'

/**
 * Says what the service would run with. Secrets are not shown.
 *
 * @throws MintlineError `config_invalid` with every mistake.
 */
export function runCheckConfig(io: CommandIo): number {
  const config = loadConfig(io.environment)
  const shown = { ...config, databaseUrl: config.databaseUrl === undefined ? 'embedded PostgreSQL' : '(set)' }
  for (const [name, value] of Object.entries(shown)) io.write(`${name.padEnd(20)} ${value ?? '(not set)'}\n`)
  io.write('\nThe settings can be used.\n')
  return 0
}

/** One line a setting, for the usage text. */
export function describeSettings(): string {
  return settings
    .map(({ name, defaultText, meaning }) => `  ${name.padEnd(28)} ${meaning} Default: ${defaultText}.`)
    .join('\n')
}
