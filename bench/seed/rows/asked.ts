import { type Searchable, searchableRefusal } from '../../../src/records/search/filling/searched-rows.ts'
import { termsOf } from '../../../src/records/search/term.ts'
import { products } from '../factory.ts'
import type { Model } from '../model.ts'
import type { SeededStation } from '../preparation.ts'
import type { Device } from './device.ts'
import type { RecordMetadata } from './sample.ts'

export interface RecordOf {
  /** Of all records that there will be, from 0. */
  readonly number: number
  /** Milliseconds since 1970. */
  readonly time: number
  /** How much of the seeded time has passed, below 1. */
  readonly progress: number
  readonly models: readonly Model[]
  /** Whether it waits for its certificate. */
  readonly isOpen: boolean
}

/** What a station has asked for. */
export interface Asked extends RecordOf {
  readonly id: Buffer
  readonly station: SeededStation
  readonly lot: string | null
  readonly productIndex: number
  readonly metadata: RecordMetadata
}

interface Outcome {
  readonly state: 'issued' | 'unknown' | 'void'
  readonly thingName?: string | null
  readonly rework?: boolean
}

/** As the service searches an intent by, without a look at its bytes. */
export function searchedIntent(
  asked: Asked,
  { product, commonName: CommonName, serialNumber: SerialNumber }: Device,
  { state, thingName = null, rework = false }: Outcome
): Searchable {
  const second = Math.floor(asked.time / 1_000) * 1_000
  const { authority } = asked.models[asked.productIndex]!
  const subject = { ...product.subject, CommonName, SerialNumber }
  return {
    id: uuidOf(asked.id),
    createdAt: new Date(asked.time),
    facet: { ...facetOf(asked), outcome: state, state, authority, code: null, rework },
    terms: termsOf({ subject, thingName, metadata: { ...asked.metadata } }),
    notAfter: new Date(second + product.validityDays * 86_400_000)
  }
}

interface Refused {
  readonly code: string
  readonly authority: string | null
  readonly csrDer: Uint8Array
}

export function searchedRefusal(asked: Asked, { code, authority, csrDer }: Refused): Searchable {
  return searchableRefusal({
    id: uuidOf(asked.id),
    createdAt: new Date(asked.time),
    metadata: asked.metadata,
    ...facetOf(asked),
    authority,
    code,
    csr: csrDer,
    stationSubject: null,
    absentLot: null,
    absentProfile: null
  })
}

function facetOf({ station, lot, productIndex, models }: Asked) {
  return {
    station: station.name,
    line: station.line,
    site: station.site,
    lot,
    credential: uuidOf(station.credential),
    profile: products[productIndex]!.profile,
    profileVersion: models[productIndex]!.profileVersion
  }
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
