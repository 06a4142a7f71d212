import type { Curve } from '../../pki/key/elliptic-curve.ts'

/** What the certificates of stations are like. Names in them are made of the station's, and nothing is taken from a CSR but the key. */
export interface StationProfileDocument {
  /** The line for stations whose active generation signs. */
  readonly authority: string
  readonly days: number
  /** How far notBefore lies before the time of issue, for stations whose clocks run behind. */
  readonly backdateMinutes: number
  readonly keys: {
    readonly ec?: { readonly curves: Curve[] }
    readonly rsa?: { readonly minimumBits: number; readonly maximumBits: number }
  }
}

export interface StationProfileVersion {
  readonly id: string
  readonly version: number
  readonly document: StationProfileDocument
  readonly createdAt: Date
  readonly createdBy: string
}

export const usualStationProfile: Omit<StationProfileDocument, 'authority'> = {
  days: 90,
  backdateMinutes: 5,
  keys: { ec: { curves: ['P-256', 'P-384'] } }
}
