import { createAuthorityStore } from '../../authorities/authority-store.ts'
import { findKeyHolders } from '../../authorities/generations/key-holders.ts'
import { withDatabase } from '../../composition/open-database.ts'
import type { Config } from '../../config/config.ts'
import { loadCheckedSettings } from '../../config/machine-checks.ts'
import type { Database } from '../../database/database.ts'
import type { DatabaseLog } from '../../database/database-log.ts'
import { createBlockedKeyStore } from '../../factory/blocked-keys/blocked-key-store.ts'
import { createBlockedKeys } from '../../factory/blocked-keys/blocked-keys.ts'
import { createAuditStore } from '../../factory/key-audit/audit-store.ts'
import { auditKeys, type KeyAuditReport, type KeyFinding } from '../../factory/key-audit/key-audit.ts'
import { loadWeakKeys } from '../../factory/weak-keys/weak-keys.ts'
import { createRandomSource } from '../../sources/random-bytes.ts'
import { createCommandLog, operatingSystemAct, parseWordsAndFlags, UsageError } from '../command.ts'
import { describeFailure } from '../failure-text.ts'
import { translateStartFailure } from '../start-failure.ts'
import { createProgress, type KeysIo, type Progress } from './progress.ts'
import { renderReport } from './report.ts'

export const keysUsage = `usage: mintline keys audit [--block] [--json]

Looks through all RSA keys on record: for those that share a prime with another (batch GCD), which makes both private keys
known to everybody; for those that are the same under two digests; for those that would be refused as weak today, also by
the lists in MINTLINE_WEAK_KEYS_FILES. It never prints a prime. With the embedded database the service must be stopped
meanwhile; with DATABASE_URL it may run. Progress goes to standard error, where that is a terminal.

  --block  put the keys that were found on the list of blocked keys, as weak_key. Their open intents end, and those that
           have certificates are told as mintline.key.blocked and mintline.key.disclosed.
  --json   for programs

Exit code 0: nothing was found. 1: something was. 2: it could not be looked at.
`

/** @throws UsageError. @returns the exit code. */
export async function runKeys(io: KeysIo, args: readonly string[]): Promise<number> {
  const options = parseCommand(args)
  const progress = createProgress(io)
  try {
    const { config } = loadCheckedSettings(io.environment)
    const log = createCommandLog(io)
    const work = async (database: Database) => {
      const report = await audit({ database, config, log, progress })
      progress.clear()
      const blocked = options.block ? await blockFound(database, report.findings) : undefined
      return { ...report, ...(blocked !== undefined && { blocked }) }
    }
    const report = await withDatabase(config, log, work).catch((error: unknown) => {
      throw translateStartFailure(error, config)
    })
    io.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report))
    return report.findings.length === 0 ? 0 : 1
  } catch (error) {
    progress.clear()
    io.writeError(describeFailure(error))
    return 2
  }
}

function parseCommand(args: readonly string[]) {
  const { positionals, values } = parseWordsAndFlags(args, {
    block: { type: 'boolean' },
    json: { type: 'boolean' }
  })
  if (positionals.length !== 1 || positionals[0] !== 'audit')
    throw new UsageError('the only command is `audit`')
  return { block: values.block === true, json: values.json === true }
}

interface Auditing {
  readonly database: Database
  readonly config: Config
  readonly log: DatabaseLog
  readonly progress: Progress
}

async function audit({ database, config, log, progress }: Auditing): Promise<KeyAuditReport> {
  const weakKeys = await loadWeakKeys({ files: config.weakKeysFiles, log })
  try {
    return await auditKeys({
      store: createAuditStore(database),
      weakKeys,
      onRead: progress.tellRead,
      comparison: { onProgress: progress.tellCompared }
    })
  } finally {
    weakKeys.stop()
  }
}

/** Each by itself: one that is cut off has blocked some, and is run again for the others. @returns how many are new on the list. */
async function blockFound(database: Database, findings: readonly KeyFinding[]): Promise<number> {
  const authorityStore = createAuthorityStore(database)
  const blockedKeys = createBlockedKeys({
    store: createBlockedKeyStore(database),
    listHolders: spkiSha256s => findKeyHolders(authorityStore, spkiSha256s),
    maximumWaiting: 1,
    clock: () => new Date(),
    randomBytes: createRandomSource()
  })
  const act = operatingSystemAct()
  let blocked = 0
  for (const finding of findings) {
    for (const { spkiSha256, isBlocked } of finding.keys) {
      if (isBlocked) continue
      const key = { spkiSha256: Buffer.from(spkiSha256, 'hex'), comment: commentOf(finding) }
      const { isNew } = await blockedKeys.block({ ...key, reason: 'weak_key', isExposed: true }, act)
      if (isNew) blocked++
    }
  }
  return blocked
}

function commentOf(finding: KeyFinding): string {
  if (finding.kind === 'weak') return `keys audit: ${finding.weaknesses.join(', ')}`
  const others = finding.keys.length - 1
  const what = finding.kind === 'shared-factor' ? 'shares a prime with' : 'has the modulus of'
  return `keys audit: ${what} ${others} other key${others === 1 ? '' : 's'}`
}
