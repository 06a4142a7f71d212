import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setDefaultHighWaterMark } from 'node:stream'
import { pino, stdTimeFunctions } from 'pino'
import { type Service, startService } from '../composition/service.ts'
import type { Config } from '../config/config.ts'
import { loadServiceSettings } from '../config/machine-checks.ts'
import { inSingleQuotes } from '../config/shell.ts'
import { describeErrorForLog } from '../errors/error-log.ts'
import { tokenFile } from '../starter/token-file.ts'
import { type CommandIo, nextSignal } from './command.ts'
import { describeMissingPackages } from './optional-packages.ts'
import { type Access, describeAccess } from './tls/access.ts'
import { assertCanListen } from './tls/listening.ts'

const usage = `usage: mintline serve

Runs the service until SIGTERM or SIGINT. It takes no arguments: settings are environment variables, which
\`mintline --help\` lists and \`mintline check-config\` tries.
`

/** What a file or a socket reads ahead. Node's 64 KiB, twice for a client that asks for a file and never reads, add up. */
const streamBufferBytes = 8 * 1024

/** With what it lacks on this machine. */
export async function describeServeUsage(): Promise<string> {
  const missing = await describeMissingPackages()
  return missing === '' ? usage : `${usage}\n${missing}`
}

/**
 * Runs the service until SIGTERM or SIGINT, or until `stopped` says why. A signal after that ends it at once; what is
 * durable then stays so.
 *
 * @returns the exit code.
 * @throws MintlineError of the settings, the database and the keys, when the service cannot start.
 */
export async function runServe(io: CommandIo, stopped: Promise<string> = nextSignal()): Promise<number> {
  setDefaultHighWaterMark(false, streamBufferBytes)
  const { config, warnings } = loadServiceSettings(io.environment)
  const log = pino({
    level: config.logLevel,
    timestamp: stdTimeFunctions.isoTime,
    redact: ['req.headers.authorization'],
    serializers: { err: error => describeErrorForLog(error) }
  })
  for (const warning of warnings) log.warn(warning, 'a setting should be mended')
  await assertCanListen(config)
  const service = await startService(config, log).catch(async (error: unknown) => {
    const { translateStartFailure } = await import('./start-failure.ts')
    throw translateStartFailure(error, config)
  })
  io.write(greeting(service, config))
  const reason = await stopped
  log.info({ signal: reason }, 'stopping: requests in flight finish first')
  process.once('SIGTERM', () => process.exit(1))
  process.once('SIGINT', () => process.exit(1))
  await service.stop()
  log.info({}, 'stopped')
  return 0
}

function greeting(service: Service, config: Config): string {
  const access = describeAccess(service.url, config)
  const lines = [
    `Mintline listens on ${service.url}`,
    `API description: ${access.url}/docs`,
    describeActive(service.activeAuthorities)
  ]
  if (existsSync(tokenFile(config.dataDirectory, 'station'))) {
    lines.push('', ...starterLines(access, service, config))
  }
  return [...lines, ''].join('\n')
}

function describeActive(names: readonly string[]): string {
  if (names.length === 0) return 'No authority is active: nothing can be issued until one is.'
  return `${names.length === 1 ? 'Active authority' : 'Active authorities'}: ${names.join(', ')}`
}

function starterLines(
  { url, curlOptions }: Access,
  { madeStarterSet }: Service,
  { dataDirectory, caPassphraseFile }: Config
): string[] {
  const passphraseWarning =
    madeStarterSet && caPassphraseFile === undefined
      ? [
          `The CA key's passphrase was generated and lies beside the key, in ${join(dataDirectory, 'ca-passphrase')}.`,
          'That is for trying out only. In production give MINTLINE_CA_PASSPHRASE_FILE from a secret store.',
          ''
        ]
      : []
  return [
    `To try it out there ${madeStarterSet ? 'now are' : 'are'} an authority line (starter), a profile (starter) and one token a role:`,
    `  ${tokenFile(dataDirectory, 'admin')}`,
    `  ${tokenFile(dataDirectory, 'auditor')}`,
    `  ${tokenFile(dataDirectory, 'station')}`,
    '',
    ...passphraseWarning,
    'Make a device key and its CSR:',
    '',
    '  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\',
    '    -keyout device.key -out deviceCert.csr -subj "/C=US/CN=device-0001"',
    '',
    'Post it and save the chain that the device presents:',
    '',
    `  curl -sS --fail-with-body${curlOptions} -H "Authorization: Bearer $(cat ${inSingleQuotes(tokenFile(dataDirectory, 'station'))})" \\`,
    '    -H "Content-Type: application/pkcs10" -H "Accept: application/pem-certificate-chain" \\',
    `    --data-binary @deviceCert.csr -o deviceCertAndCACert.crt "${url}/v1/issuances?profile=starter"`
  ]
}
