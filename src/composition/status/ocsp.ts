import { Counter, Gauge, type Registry } from 'prom-client'
import { createGroupCommit } from '../../database/group-commit.ts'
import { systemStopwatch } from '../../sources/clock.ts'
import { createOcsp, type Ocsp } from '../../status/ocsp/ocsp.ts'
import { createResponder } from '../../status/ocsp/responder/responder.ts'
import { createResponderStore } from '../../status/ocsp/responder/responder-store.ts'
import { Responders } from '../../status/ocsp/responder/responders.ts'
import { createStatusStore } from '../../status/ocsp/status-store.ts'
import type { Core } from '../core.ts'

/** Enough for ten thousand certificates a second, by one connection at a time; answers to so many are signed in one go. */
const maximumLookups = 64
const tellEveryMs = 60_000

export interface OpenedOcsp extends Ocsp {
  /** Whether every generation that was asked for is spoken for. */
  examine(): { readonly ok: boolean; readonly detail: string }
}

export function openOcsp(core: Core, registry: Registry): OpenedOcsp {
  const { database, authorities, config, clock, log } = core
  const store = createResponderStore(database)
  const responders = new Responders({
    create: authority => createResponder({ ...core, store }, authority),
    clock,
    stopwatch: systemStopwatch,
    onTrouble: (authority, error) =>
      log.warn({ err: error, authority }, 'the OCSP responder could not be certified; tried again when asked')
  })
  const lookup = createGroupCommit({
    commit: createStatusStore(database).find,
    maximumItems: maximumLookups,
    maximumWaiting: config.maximumWaiting,
    concurrency: 1
  })
  let toldAtMs = -Infinity
  const ocsp = createOcsp({
    ...core,
    responders,
    lookup,
    stopwatch: systemStopwatch,
    tell(error) {
      if (systemStopwatch() < toldAtMs + tellEveryMs) return
      toldAtMs = systemStopwatch()
      log.warn({ err: error }, 'OCSP could not be answered; told once a minute')
    },
    validityMs: config.ocspValidityMinutes * 60_000,
    observe: addOcspMetrics(registry, () => responders.ends(authorities.list()))
  })
  return { ...ocsp, examine: () => describeTroubles(responders.troubles(authorities.list())) }
}

function describeTroubles(troubles: ReturnType<Responders['troubles']>) {
  if (troubles.length === 0) return { ok: true, detail: 'answers' }
  const detail = troubles
    .map(({ name, error, lastsUntil }) => {
      const until =
        lastsUntil === undefined
          ? ''
          : ` It answers by its last certificate until ${lastsUntil.toISOString()}.`
      return `no certificate for the responder of ${name}: ${error.detail}${until}`
    })
    .join(' ')
  return { ok: false, detail }
}

function addOcspMetrics(
  registry: Registry,
  ends: () => readonly { readonly name: string; readonly notAfter: Date }[]
): (outcome: string) => void {
  const registers = [registry]
  const answers = new Counter({
    name: 'mintline_ocsp_answers_total',
    help: 'OCSP answers by outcome: good, revoked, unknown, several of these, or what was answered in place of one.',
    labelNames: ['outcome'],
    registers
  })
  new Gauge({
    name: 'mintline_ocsp_responder_end_timestamp_seconds',
    help: 'When the certificate ends by which this process answers OCSP for a generation. It is renewed after half of its four days, when it is asked.',
    labelNames: ['authority'],
    registers,
    collect() {
      this.reset()
      for (const { name, notAfter } of ends()) this.set({ authority: name }, notAfter.getTime() / 1000)
    }
  })
  return outcome => answers.inc({ outcome })
}
