import { Registry } from 'prom-client'
import type { Core } from '../../../src/composition/core.ts'
import { crlDutyOptions, openCrls } from '../../../src/composition/status/crl.ts'
import type { Database } from '../../../src/database/database.ts'
import { CrlDuty, type CrlDutyOptions } from '../../../src/status/crl/making/crl-duty.ts'

const running = new AbortController().signal

/** A duty that waits for nothing between two CRLs, and who hands them out: each time as a process that knows none yet. */
export function openMaking(core: Core, changes: Partial<CrlDutyOptions> = {}) {
  let atMs = 0
  const stopwatch = () => atMs
  const troubles: unknown[] = []
  const log = { warn: (about: object) => void troubles.push(about) }
  const options = { ...crlDutyOptions(core), stopwatch, log, ...changes }
  const duty = new CrlDuty(options)
  const crls = () => openCrls(core, new Registry())
  const begin = (signal = running) => {
    atMs += 3_600_000
    return duty.step(signal)
  }
  return {
    duty,
    /** What the duty warned of. */
    troubles,
    crls,
    /** Waits for none of those that it begins. */
    begin,
    async step(signal = running) {
      await begin(signal)
      await duty.settled()
    },
    async read(name = 'starter-g1') {
      const crl = await crls().find(name)
      const parts: Uint8Array[] = []
      for await (const part of crl.read()) parts.push(part)
      return { ...crl, der: Buffer.concat(parts) }
    }
  }
}

/** Rows as a year of revocations leaves them, without the records that they are of; only the owner can. */
export async function plantRevoked(owner: Database, authorityId: string, count: number): Promise<void> {
  await owner.prisma.$transaction(
    async transaction => {
      await transaction.$executeRaw`ALTER TABLE certificate_status DISABLE TRIGGER USER`
      await transaction.$executeRaw`
        INSERT INTO certificate_status (intent_id, authority_id, serial_number, state, reason, since, invalidity_date, act_id)
        SELECT gen_random_uuid(), ${authorityId}::uuid,
          decode('4f' || substr(md5(n::text), 3) || lpad(to_hex(n), 6, '0'), 'hex'),
          CASE WHEN n % 10 = 0 THEN 'held' ELSE 'revoked' END,
          CASE WHEN n % 10 = 0 THEN 'certificateHold' WHEN n % 3 = 0 THEN 'keyCompromise' WHEN n % 3 = 1 THEN 'superseded' ELSE 'unspecified' END,
          now() - n * interval '1 second',
          CASE WHEN n % 10 <> 0 AND n % 6 = 0 THEN now() - n * interval '1 day' END, gen_random_uuid()
        FROM generate_series(1, ${count}::int) AS n`
      await transaction.$executeRaw`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER of_act`
      await transaction.$executeRaw`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER stays`
      await transaction.$executeRaw`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER search_change`
      await transaction.$executeRaw`INSERT INTO crl_change (authority_id) VALUES (${authorityId}::uuid)`
    },
    { timeout: 120_000 }
  )
}
