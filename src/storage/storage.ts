import { statfsSync, type StatsFs } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { Database } from '../database/database.ts'
import { readDatabaseSize } from './database-size-store.ts'

/** What there is of something that the database fills, in bytes. */
export interface StorageMeasure {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** What is watched so that the database does not fill it unnoticed. */
export interface Storage {
  readonly measure: () => Promise<StorageMeasure>
  /** Where it is, after "free". For everybody: no path is in it. */
  readonly place: string
  /** What to do about it. */
  readonly remedy: string
  /** Whether the database fails when there is nothing left. Beyond a limit of ours it does not. */
  readonly isPhysical: boolean
  /** For the log. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** The volume of a directory of this machine. */
export function createVolume(directory: string, place: string): Storage {
  return {
    measure: async () => toMeasure(await statfs(directory)),
    place,
    remedy: 'Make room on it, or enlarge it',
    isPhysical: true,
    facts: { directory }
  }
}

/** For an end that cannot wait. @throws Error of the operating system. */
export function measureVolumeNow(directory: string): StorageMeasure {
  return toMeasure(statfsSync(directory))
}

function toMeasure({ bavail, blocks, bsize }: StatsFs): StorageMeasure {
  // What is kept for root is not the database's to use.
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

/** What a limit leaves of a database whose disk cannot be seen from here. */
export function createSizeLimit(database: Database, limitBytes: number): Storage {
  return {
    async measure() {
      return {
        freeBytes: Math.max(0, limitBytes - (await readDatabaseSize(database))),
        totalBytes: limitBytes
      }
    },
    place: 'below MINTLINE_DATABASE_SIZE_LIMIT',
    remedy: 'Enlarge the disk of the database, and raise the limit then',
    isPhysical: false,
    facts: { limitBytes }
  }
}

const units = ['KiB', 'MiB', 'GiB', 'TiB'] as const

/** E.g. `512.0 MiB (536870912 bytes)`. */
export function describeBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length)
  const unit = units[power - 1]
  return unit === undefined
    ? `${bytes} bytes`
    : `${(bytes / 1024 ** power).toFixed(1)} ${unit} (${bytes} bytes)`
}
