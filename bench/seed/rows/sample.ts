import type { Model } from '../model.ts'
import type { SeededStation } from '../preparation.ts'
import type { Device, MadeIntent } from './device.ts'

/** One value of its own, one of few, one of some hundreds. */
export interface RecordMetadata {
  readonly unit: string
  readonly shift: string
  readonly fixture: string
}

/** A record to be searched for, by what a search may name. */
export interface Sample {
  readonly time: number
  readonly commonName: string
  readonly thing: string | null
  readonly serialNumberHex: string
  readonly certificateIdHex: string
  readonly spkiSha256Hex: string
  readonly station: string
  readonly line: string
  readonly lot: string | null
  readonly credentialHex: string
  readonly profile: string
  readonly profileVersion: number
  readonly authority: string
  readonly metadata: RecordMetadata
}

interface Sampled {
  readonly asked: {
    readonly time: number
    readonly station: SeededStation
    readonly lot: string | null
    readonly metadata: RecordMetadata
  }
  readonly device: Device
  readonly model: Model
  readonly intent: MadeIntent
  readonly certificateId: Buffer
  readonly thing: string | null
}

export function sampleOf({ asked, device, model, intent, certificateId, thing }: Sampled): Sample {
  return {
    time: asked.time,
    commonName: device.commonName,
    thing: thing === null ? null : (JSON.parse(thing) as { thingName: string }).thingName,
    serialNumberHex: Buffer.from(device.certificateSerial).toString('hex'),
    certificateIdHex: certificateId.toString('hex'),
    spkiSha256Hex: intent.spkiSha256.toString('hex'),
    station: asked.station.name,
    line: asked.station.line,
    lot: asked.lot,
    credentialHex: Buffer.from(asked.station.credential).toString('hex'),
    profile: device.product.profile,
    profileVersion: model.profileVersion,
    authority: model.authority,
    metadata: asked.metadata
  }
}
