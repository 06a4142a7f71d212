import { buildAuditEvent, systemAct, type ToldAct } from '../../../audit/audit-event.ts'
import type { DatabaseLog } from '../../../database/database-log.ts'
import { createGroupCommit } from '../../../database/group-commit.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import type { Clock } from '../../../sources/clock.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { KeyFault } from './fault.ts'
import type { CountedFault, KeyFaultStore, Pause } from './key-fault-store.ts'

/** Counts the faults of stations, on record and for all processes, and pauses one that has too many. */
export interface KeyFaults {
  /** When it returns the fault is on record, and the station paused if it was one too many. */
  note(station: string, fault: Omit<KeyFault, 'createdAt'>): Promise<void>
}

export interface KeyFaultDependencies {
  readonly store: KeyFaultStore
  /** How many a station may have within a day. */
  readonly maximum: number
  /** Told of each station that is paused: what this process remembers of it is not so any more. */
  readonly onPause: () => void
  readonly maximumWaiting: number
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly log: Pick<DatabaseLog, 'warn'>
}

const windowMs = 24 * 60 * 60_000
/** How many keys and lots an event names. */
const mostNamed = 100

interface NotedFault {
  readonly station: string
  readonly fault: KeyFault
}

export function createKeyFaults(dependencies: KeyFaultDependencies): KeyFaults {
  const { store, maximum, onPause, maximumWaiting, clock, randomBytes, log } = dependencies

  async function noteOf(station: string, faults: readonly KeyFault[]): Promise<void> {
    const time = clock()
    const since = new Date(time.getTime() - windowMs)
    const { requestId } = faults.at(-1)!
    const pauseOf = (counted: readonly CountedFault[]) =>
      counted.length <= maximum
        ? undefined
        : describePause({ station, counted, requestId }, { time, randomBytes })
    if (!(await store.note(station, faults, { since, enough: maximum + 1, pauseOf }))) return
    onPause()
    log.warn(
      { station, requestId },
      'the station is paused: it sent too many weak keys, or keys of other devices'
    )
  }

  // Those that come together are committed together: a station with a broken generator sends nothing else.
  const notes = createGroupCommit<NotedFault, void>({
    async commit(items) {
      const byStation = Map.groupBy(items, ({ station }) => station)
      for (const [station, noted] of byStation)
        await noteOf(
          station,
          noted.map(({ fault }) => fault)
        )
      return items.map(() => undefined)
    },
    maximumItems: 128,
    maximumWaiting,
    concurrency: 1
  })

  return {
    note: (station, fault) => notes.submit({ station, fault: { ...fault, createdAt: clock() } })
  }
}

interface CountedFaults {
  readonly station: string
  readonly counted: readonly CountedFault[]
  readonly requestId: string
}

function describePause(
  { station, counted, requestId }: CountedFaults,
  sources: { readonly time: Date; readonly randomBytes: RandomBytes }
): Pause {
  const distinct = (values: readonly string[]) => [...new Set(values)].slice(0, mostNamed)
  const lots = distinct(counted.flatMap(({ lot }) => lot ?? []))
  const after = {
    state: 'paused',
    pauseReason: 'key_faults',
    weakKeys: counted.filter(({ kind }) => kind === 'weak_key').length,
    sharedKeys: counted.filter(({ kind }) => kind === 'shared_key').length,
    weaknesses: distinct(counted.flatMap(({ weaknesses }) => weaknesses)),
    spkiSha256: distinct(counted.map(({ spkiSha256 }) => toHex(spkiSha256))),
    lots
  }
  const what: ToldAct = {
    ...systemAct,
    requestId,
    act: 'station.pause',
    subject: `station/${station}`,
    before: { state: 'enabled' },
    after
  }
  return {
    event: buildAuditEvent(what, sources),
    lots,
    eventOfLot: lot => {
      const flag = { reason: 'key_faults', station }
      return buildAuditEvent(
        { ...systemAct, requestId, act: 'lot.flag', subject: `lot/${lot}`, after: flag },
        sources
      )
    }
  }
}
