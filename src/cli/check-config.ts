import { findClientTrustFiles, readClientTrust } from '../config/client-certificates/client-trust-files.ts'
import { assertNoViolations } from '../config/config.ts'
import { describeValues } from '../config/description.ts'
import { checkSettings } from '../config/machine-checks.ts'
import { checkCrlDirectory } from '../config/status/crl-directory.ts'
import { checkWeakKeyLists } from '../factory/weak-keys/weak-keys.ts'
import { findTrustFaults } from '../tls/client-trust/verification.ts'
import type { CommandIo } from './command.ts'
import { describeDatabase } from './database-check.ts'
import { describeViolation } from './failure-text.ts'
import { describeProvider } from './oidc/provider-check.ts'
import { checkPackages, describeMissingPackages } from './optional-packages.ts'
import { probeListening } from './tls/listening.ts'

export const checkConfigUsage = `usage: mintline check-config

Says what the service would run with, and tries it: the files can be read, the data directory can be used, the directory for CRLs can be
written, the address can be listened on, the database answers, the identity provider has keys. Starts nothing, changes nothing and shows no secret. Of the database it says
version, roles and pending migrations; of the embedded one, whether its package is there and a service runs on it.
Exit code 0: the service can start with the settings, perhaps with warnings. 1: it cannot.
`

/**
 * Says what the service would run with. Secrets are not shown.
 *
 * @throws MintlineError `config_invalid` with every mistake; what keeps the database away.
 */
export async function runCheckConfig(io: CommandIo): Promise<number> {
  const { config, violations, warnings } = checkSettings(io.environment)
  const { violation, isInUse } = await probeListening(config)
  const isRefused = violations.some(({ pointer }) => pointer === violation?.pointer)
  const listening = violation === undefined || isRefused ? [] : [violation]
  const packages = await checkPackages(config)
  const lists = await checkWeakKeyLists(config.weakKeysFiles)
  assertNoViolations([...violations, ...packages, ...lists, ...(isInUse ? [] : listening)])
  const clientTrust = findClientTrustFiles(config)
  const trust = clientTrust && (await readClientTrust(clientTrust))
  io.write(`${describeValues(config, io.environment)}\n`)
  const crlDirectory = await checkCrlDirectory(config.crlDirectory)
  const told = [...warnings, ...crlDirectory, ...(isInUse ? listening : [])]
  for (const fault of trust === undefined ? [] : findTrustFaults(trust, new Date()))
    io.writeError(`warning: ${fault}\n`)
  for (const warning of told) io.writeError(`warning:\n${describeViolation(warning)}\n`)
  io.write(
    `${await describeDatabase(config)}${await describeProvider(config)}${await describeMissingPackages()}`
  )
  io.write('\nThe settings can be used.\n')
  return 0
}
