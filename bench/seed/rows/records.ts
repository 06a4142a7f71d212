import { randomFillSync } from 'node:crypto'
import {
  commonNameOf,
  fixturesOfStation,
  lotIdOf,
  lotsOfProfile,
  products,
  serialNumberOf,
  shifts,
  stationsOfLine
} from '../factory.ts'
import type { SeededStation } from '../preparation.ts'
import { type Asked, type RecordOf, searchedIntent, searchedRefusal } from './asked.ts'
import { CopyRows, type SeededTable, seededTables } from './copy-rows.ts'
import { createCertifier, type Device, makeIntent } from './device.ts'
import { makePublicKeys } from './keys.ts'
import { refusalKinds } from './refusal-kinds.ts'
import { type Sample, sampleOf } from './sample.ts'
import { type Entry, SearchRows, type SharedValues } from './search-rows.ts'

/** Of all records, by chance. The rest is issued and stands. */
const refusedShare = 0.03
const voidShare = 0.0005
const scrappedShare = 0.004
const releasedShare = 0.001
const reissuedShare = 0.006
const withoutLotShare = 0.03

/** How far back a device that comes again was first seen, in records. */
const returnsAfter = 400

interface Certified extends Asked {
  readonly device: Device
  readonly deviceSha256: Uint8Array
  readonly entry: Entry
}

interface Ending {
  readonly cause: string
  readonly note: string
  readonly at: number
  readonly successor?: Buffer
  /** When it is revoked, of one that is superseded; null where it is not. */
  readonly endsAt?: number | null
}

export interface LotCount {
  taken: number
  scrapped: number
}

const samplesOfMaker = 40

/** Makes records, and what stands in the other tables because of them, as rows to be copied. */
export class RecordMaker {
  readonly rows: Readonly<Record<SeededTable, CopyRows>>
  /** By lot and station, with a space in between. */
  readonly lots = new Map<string, LotCount>()
  readonly samples: Sample[] = []
  readonly #stations: readonly SeededStation[]
  readonly #keys = makePublicKeys()
  readonly #certify = createCertifier()
  readonly #random = Buffer.alloc(1 << 14)
  #used = this.#random.length
  #recent: Certified[] = []
  /** What the records are searched by: to be finished once all are made. */
  readonly search: SearchRows

  constructor(
    stations: readonly SeededStation[],
    { shared, filled }: { shared: SharedValues; filled: BigInt64Array<SharedArrayBuffer> }
  ) {
    this.#stations = stations
    const tables = Object.entries(seededTables).map(([name, columns]) => [name, new CopyRows(name, columns)])
    this.rows = Object.fromEntries(tables) as Record<SeededTable, CopyRows>
    this.search = new SearchRows(this.rows.search_term, shared, filled)
  }

  make(record: RecordOf): void {
    const chance = Math.random()
    if (record.isOpen) return this.#open(this.#ask(record))
    if (chance < refusedShare) return this.#refuse(this.#ask(record))
    if (chance < refusedShare + voidShare) return this.#void(this.#ask(record))
    if (chance < refusedShare + voidShare + reissuedShare && this.#recent.length >= returnsAfter) {
      return this.#reissue(record)
    }
    const certified = this.#issue(this.#ask(record))
    const fate = Math.random()
    if (fate < scrappedShare) return this.#scrap(certified)
    if (fate < scrappedShare + releasedShare) return this.#release(certified, record.time + 3_600_000)
    this.#recent.push(certified)
    if (this.#recent.length > 2 * returnsAfter) this.#recent = this.#recent.slice(-returnsAfter)
  }

  #ask(record: RecordOf): Asked {
    const productIndex = pick(products)
    const product = products[productIndex]!
    const line = product.lines[Math.floor(Math.random() * product.lines.length)]!
    const position = Math.floor(Math.random() * stationsOfLine)
    const stationIndex = line * stationsOfLine + position
    const fixture = stationIndex * fixturesOfStation + Math.floor(Math.random() * fixturesOfStation) + 1
    const hour = new Date(record.time).getUTCHours()
    const lot = lotIdOf(product, Math.floor(record.progress * lotsOfProfile))
    return {
      ...record,
      id: this.#identifier(record.time),
      productIndex,
      station: this.#stations[stationIndex]!,
      lot: Math.random() < withoutLotShare ? null : lot,
      metadata: {
        unit: `U-${String(record.number).padStart(9, '0')}`,
        shift: shifts[Math.floor(hour / 8)]!,
        fixture: `F-${String(fixture).padStart(3, '0')}`
      }
    }
  }

  #issue(asked: Asked, earlier?: Certified): Certified {
    const { device, intent, model } = this.#intend(asked, earlier)
    const { certificateDer, certificateId, thing } = this.#certify(model, intent.tbsDer, device.commonName)
    const issuedAt = asked.time + 20 + Math.floor(Math.random() * 40)
    const { issued, certified_id: ids } = this.rows
    issued.row().bytes(asked.id).bytes(certificateDer).bytes(certificateId).text(thing).time(issuedAt)
    ids.row().bytes(certificateId).bytes(asked.id)
    if (this.samples.length < samplesOfMaker && Math.random() < 0.002 && asked.lot !== null) {
      this.samples.push(sampleOf({ asked, device, model, intent, certificateId, thing }))
    }
    const thingName = thing === null ? null : (JSON.parse(thing) as { thingName: string }).thingName
    const entry = this.search.add(
      searchedIntent(asked, device, { state: 'issued', thingName, rework: earlier !== undefined })
    )
    return { ...asked, device, deviceSha256: intent.deviceSha256, entry }
  }

  /** @param earlier the device's certificate before, in whose place this one is to come. */
  #intend(asked: Asked, earlier?: Certified) {
    const model = asked.models[asked.productIndex]!
    const product = products[asked.productIndex]!
    const device: Device = {
      product,
      commonName: earlier?.device.commonName ?? commonNameOf(product, asked.number, asked.time),
      serialNumber: earlier?.device.serialNumber ?? serialNumberOf(asked.number),
      point: this.#keys.next().value,
      certificateSerial: this.#certificateSerial(),
      time: asked.time
    }
    const intent = makeIntent(model, device)
    const { tbsDer, csrDer, spkiSha256, deviceSha256, requestSha256 } = intent
    const { intent: intents, certified_key: keys, certified_device: devices } = this.rows
    this.#askedFields(intents.row(), asked)
    intents.bytes(device.certificateSerial).bytes(spkiSha256).bytes(deviceSha256).bytes(requestSha256)
    intents.bytes(tbsDer).bytes(csrDer).bytes(model.profileVersionId).bytes(model.authorityId)
    keys.row().bytes(spkiSha256).int(1).bytes(deviceSha256).bytes(asked.id)
    devices
      .row()
      .bytes(deviceSha256)
      .int(earlier === undefined ? 1 : 2)
      .bytes(asked.id)
    this.rows.certified_serial.row().bytes(device.certificateSerial).bytes(asked.id)
    this.#count(asked).taken++
    return { device, intent, model }
  }

  #open(asked: Asked): void {
    const { device } = this.#intend(asked)
    this.rows.open_intent.row().bytes(asked.id)
    this.search.add(searchedIntent(asked, device, { state: 'unknown' }))
    this.rows.search_pending.row().bytes(asked.id)
  }

  #void(asked: Asked): void {
    const { device } = this.#intend(asked)
    this.search.add(searchedIntent(asked, device, { state: 'void' }))
    this.#count(asked).taken--
    this.rows.void
      .row()
      .bytes(asked.id)
      .time(asked.time + 60_000)
      .text('admin/ops')
      .text('cut off by a power cut')
  }

  #scrap(certified: Certified): void {
    const count = this.#count(certified)
    count.taken--
    count.scrapped++
    const at = certified.time + 600_000
    this.#revoke(certified, { cause: 'scrap', note: 'failed the end of line test', at })
  }

  #release({ id }: Certified, at: number): void {
    this.rows.release.row().bytes(id).time(at).text('operator/rework').text('board was replaced')
  }

  /** A device comes again some records later: released, issued anew, and the certificate before superseded. */
  #reissue(record: RecordOf): void {
    const [earlier] = this.#recent.splice(0, 1) as [Certified]
    const { productIndex, station, lot, metadata } = earlier
    const asked = {
      ...record,
      models: earlier.models,
      id: this.#identifier(record.time),
      productIndex,
      station,
      lot
    }
    const unit = `U-${String(record.number).padStart(9, '0')}`
    this.#release(earlier, record.time - 60_000)
    const later = this.#issue({ ...asked, metadata: { ...metadata, unit } }, earlier)
    this.#count(earlier).taken--
    this.rows.succession.row().bytes(later.id).bytes(earlier.id)
    // Half of them end with that.
    const [at, endsAt] = [record.time + 50, Math.random() < 0.5 ? record.time + 50 : null]
    this.#revoke(earlier, {
      cause: 'superseded',
      note: 'board was replaced',
      at,
      successor: later.id,
      endsAt
    })
  }

  #revoke({ id, entry }: Certified, { cause, note, at, successor, endsAt = null }: Ending): void {
    const row = this.rows.revocation.row().bytes(id).time(at).text('operator/rework').text(cause).text(note)
    if (successor === undefined) row.null()
    else row.bytes(successor)
    if (endsAt === null) row.null()
    else row.time(endsAt)
    this.search.move(entry, successor !== undefined && endsAt === null ? 'superseded' : 'revoked')
  }

  #refuse(asked: Asked): void {
    const { code, detail, violations, knowsAuthority } = refusalKinds[pick(refusalKinds)]!
    const { profile } = products[asked.productIndex]!
    const model = asked.models[asked.productIndex]!
    const commonName = commonNameOf(products[asked.productIndex]!, asked.number, asked.time)
    const csrDer = Buffer.from(model.csrDer)
    csrDer.write(commonName, model.atCsr.commonName, 'latin1')
    const authority = knowsAuthority ? model.authority : null
    const row = this.rows.refusal.row()
    this.#askedFields(row, asked)
    row
      .text(code)
      .text(detail)
      .jsonb(JSON.stringify(violations(commonName)))
      .bytes(csrDer)
    row.text(profile).int(model.profileVersion).text(authority)
    this.search.add(searchedRefusal(asked, { code, authority, csrDer }))
  }

  #askedFields(row: CopyRows, { id, time, station, lot, metadata }: Asked): void {
    row.bytes(id).time(time).text(station.name).text(station.line).text(station.site).text(lot)
    row
      .bytes(station.credential)
      .jsonb(JSON.stringify(metadata))
      .text(`req-${id.toString('hex', 10)}`)
  }

  #count({ lot, station }: Asked): LotCount {
    const key = `${lot} ${station.name}`
    const count = this.lots.get(key) ?? { taken: 0, scrapped: 0 }
    if (lot !== null) this.lots.set(key, count)
    return count
  }

  /** UUIDv7. */
  #identifier(time: number): Buffer {
    const id = Buffer.from(this.#octets(16))
    id.writeUIntBE(time, 0, 6)
    id[6] = (id[6]! & 0x0f) | 0x70
    id[8] = (id[8]! & 0x3f) | 0x80
    return id
  }

  /** As the service makes them: 16 octets that begin with the bits 01. */
  #certificateSerial(): Buffer {
    const serial = Buffer.from(this.#octets(16))
    serial[0] = (serial[0]! & 0x3f) | 0x40
    return serial
  }

  #octets(count: number): Buffer {
    if (this.#used + count > this.#random.length) {
      randomFillSync(this.#random)
      this.#used = 0
    }
    this.#used += count
    return this.#random.subarray(this.#used - count, this.#used)
  }
}

/** An index, by the shares. */
function pick(kinds: readonly { readonly share: number }[]): number {
  let left = Math.random() * 100
  return Math.max(
    0,
    kinds.findIndex(({ share }) => (left -= share) < 0)
  )
}
