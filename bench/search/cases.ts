import { firstIdentifierOf } from '../../src/sources/identifier.ts'
import { productionLines, products } from '../seed/factory.ts'
import type { Sample } from '../seed/rows/sample.ts'

type Parameters = Readonly<Record<string, string | readonly string[]>>

/** One kind of search. */
export interface SearchCase {
  readonly name: string
  /** Whether the service had it before records were searched by what they say. */
  readonly isOld: boolean
  /** @param sample a record that there is. @param fraction between 0 and 1, evenly spread over the requests. */
  readonly ask: (sample: Sample, fraction: number) => Parameters
  /** How many pages are read one after the other. 1 unless given. */
  readonly pages?: number
  /** Finds nothing, whatever is seeded. Any other finds something, in some of its requests at least. */
  readonly isEmpty?: true
  /** Finds something in each of its requests: the sample itself. */
  readonly isSure?: true
  /** Known to be more than can be answered in time: `422 search_too_broad` is as good. */
  readonly mayBeTooBroad?: true
}

type Options = Partial<Omit<SearchCase, 'name' | 'isOld' | 'ask'>>

const old = (name: string, ask: SearchCase['ask'], options: Options = {}): SearchCase => ({
  name,
  isOld: true,
  ask,
  ...options
})
const search = (name: string, ask: SearchCase['ask'], options: Options = {}): SearchCase => ({
  name,
  isOld: false,
  ask,
  ...options
})

/** The page that begins before a moment of the seeded time. */
const deep = ({ time }: Sample) => ({ cursor: firstIdentifierOf(new Date(time)) })

const rare = products.at(-1)!
const isEmpty = { isEmpty: true } as const
const isSure = { isSure: true } as const

/** A station where the sample's profile is never asked for. */
function stationElsewhere({ line }: Sample): string {
  const position = productionLines.findIndex(({ name }) => name === line)
  return productionLines[(position + 1) % productionLines.length]!.stations[0]!
}

/** Of the other line of authorities. */
function authorityElsewhere({ authority }: Sample): string {
  return authority.startsWith('acme-gateways') ? 'acme-devices-g2' : 'acme-gateways-g2'
}

function monthOf({ time }: Sample): { readonly from: string; readonly to: string } {
  return {
    from: new Date(time - 15 * 86_400_000).toISOString(),
    to: new Date(time + 15 * 86_400_000).toISOString()
  }
}

const oldCases: readonly SearchCase[] = [
  old('no filter', () => ({})),
  old('no filter, deep in', deep),
  old('`serialNumber`', ({ serialNumberHex }) => ({ serialNumber: serialNumberHex }), isSure),
  old('`certificateId`', ({ certificateIdHex }) => ({ certificateId: certificateIdHex }), isSure),
  old('`station`', ({ station }) => ({ station }), isSure),
  old('`station`, deep in', sample => ({ station: sample.station, ...deep(sample) })),
  old('`station`, 10 pages', ({ station }) => ({ station }), { pages: 10 }),
  old('`profile`', ({ profile }) => ({ profile })),
  old('`profile` of 1 %, deep in', sample => ({ profile: rare.profile, ...deep(sample) })),
  old('`authority`, a past one', () => ({ authority: 'acme-devices-g1' })),
  old('`authority`, deep in', sample => ({ authority: sample.authority, ...deep(sample) })),
  old('`outcome` issued', () => ({ outcome: 'issued' })),
  old('`outcome` rejected', () => ({ outcome: 'rejected' })),
  old('`outcome` unknown', () => ({ outcome: 'unknown' })),
  old('`outcome` void', () => ({ outcome: 'void' })),
  old('`outcome` void, deep in', sample => ({ outcome: 'void', ...deep(sample) })),
  old('`from`, `to`: a month', monthOf),
  old('`station` and `profile`', ({ station, profile }) => ({ station, profile })),
  old(
    '`station` and `profile` that never meet',
    sample => ({ station: stationElsewhere(sample), profile: sample.profile }),
    isEmpty
  ),
  old('`profile` and `authority`', ({ profile, authority }) => ({ profile, authority })),
  old(
    '`profile` and `authority` that never meet',
    sample => ({ profile: sample.profile, authority: authorityElsewhere(sample) }),
    isEmpty
  ),
  old('`station` and `authority`', ({ station, authority }) => ({ station, authority })),
  old('`station` and `outcome` void', ({ station }) => ({ station, outcome: 'void' })),
  old('`station` and `outcome` rejected', ({ station }) => ({ station, outcome: 'rejected' })),
  old('`profile` of 1 % and `outcome` void', () => ({ profile: rare.profile, outcome: 'void' })),
  old('`profile` and a month', sample => ({ profile: sample.profile, ...monthOf(sample) }))
]

const metadataOf = ({ metadata }: Sample, ...keys: readonly (keyof Sample['metadata'])[]) => ({
  metadata: keys.map(key => `${key}:${metadata[key]}`)
})
const thingOf = (sample: Sample) => sample.thing ?? sample.commonName

const termCases: readonly SearchCase[] = [
  search('`subject.CommonName`', ({ commonName }) => ({ 'subject.CommonName': commonName }), isSure),
  search('`subject.CommonName`, of a week (`MA100-2431-*`)', ({ commonName }) => ({
    'subject.CommonName': `${commonName.slice(0, 11)}*`
  })),
  search(
    '`subject.CommonName`, of a week, 10 pages',
    ({ commonName }) => ({ 'subject.CommonName': `${commonName.slice(0, 11)}*` }),
    { pages: 10 }
  ),
  search('`subject.CommonName`, of a product (`MA100*`)', ({ commonName }) => ({
    'subject.CommonName': `${commonName.slice(0, 5)}*`
  })),
  search('`subject.CommonName` that is not there', () => ({ 'subject.CommonName': 'nobody' }), isEmpty),
  search('`subject.Organization`', () => ({ 'subject.Organization': 'Acme Access GmbH' })),
  search('`subject.Organization`, deep in', sample => ({
    'subject.Organization': 'Acme Metering GmbH',
    ...deep(sample)
  })),
  search('`thingName`', sample => ({ thingName: thingOf(sample) })),
  search('`thingName`, prefix', sample => ({ thingName: `${thingOf(sample).slice(0, 12)}*` })),
  search('`metadata`, of one record', sample => metadataOf(sample, 'unit'), isSure),
  search('`metadata`, prefix of one record’s', ({ metadata }) => ({
    metadata: `unit:${metadata.unit.slice(0, 9)}*`
  })),
  search('`metadata`, of a third', sample => metadataOf(sample, 'shift')),
  search('`metadata`, of a third, deep in', sample => ({ ...metadataOf(sample, 'shift'), ...deep(sample) })),
  search('`metadata`, of one in 300', sample => metadataOf(sample, 'fixture')),
  search('`metadata`, of one in 300, deep in', sample => ({
    ...metadataOf(sample, 'fixture'),
    ...deep(sample)
  })),
  search('`metadata`, prefix of one in 300’s', ({ metadata }) => ({
    metadata: `fixture:${metadata.fixture.slice(0, 4)}*`
  })),
  search('`spkiSha256`', ({ spkiSha256Hex }) => ({ spkiSha256: spkiSha256Hex }), isSure)
]

const facetCases: readonly SearchCase[] = [
  search('`line`', ({ line }) => ({ line }), isSure),
  search('`line`, deep in', sample => ({ line: sample.line, ...deep(sample) })),
  search('`lot`', ({ lot }) => ({ lot: lot! })),
  search('`lot`, 10 pages', ({ lot }) => ({ lot: lot! }), { pages: 10 }),
  search('`credential`', ({ credentialHex }) => ({ credential: uuidOf(credentialHex) }), isSure),
  search('`profile` and `profileVersion`', ({ profile, profileVersion }) => ({
    profile,
    profileVersion: String(profileVersion)
  })),
  search('`code`', () => ({ code: 'lot_full' })),
  search('`code`, deep in', sample => ({ code: 'lot_full', ...deep(sample) })),
  ...['issued', 'refused', 'unknown', 'void', 'revoked', 'superseded'].map(state =>
    search(`\`state\` ${state}`, () => ({ state }))
  ),
  search('`state` held', () => ({ state: 'held' }), isEmpty),
  search('`state` superseded, deep in', sample => ({ state: 'superseded', ...deep(sample) })),
  search('`expiresBefore`', (_, fraction) => ({ expiresBefore: expiry(fraction) })),
  search('`expiresAfter`', (_, fraction) => ({ expiresAfter: expiry(fraction) })),
  search('`expiresAfter` and `expiresBefore`: a month', (_, fraction) => ({
    expiresAfter: expiry(fraction),
    expiresBefore: new Date(Date.parse(expiry(fraction)) + 30 * 86_400_000).toISOString()
  }))
]

const pairCases: readonly SearchCase[] = [
  search('`line` and `profile` that never meet', neverMeetingLine, isEmpty),
  search(
    '`lot` and `station` that never meet',
    sample => ({ lot: sample.lot!, station: stationElsewhere(sample) }),
    isEmpty
  ),
  search(
    '`metadata` of one in 300 and `station` that never meet',
    sample => ({ ...metadataOf(sample, 'fixture'), station: stationElsewhere(sample) }),
    isEmpty
  ),
  search('`metadata` of a third and `station`', sample => ({
    ...metadataOf(sample, 'shift'),
    station: sample.station
  })),
  search('`metadata` of a third and of one in 300', sample => metadataOf(sample, 'shift', 'fixture')),
  search('`metadata` of one record and of one in 300', sample => metadataOf(sample, 'unit', 'fixture')),
  search('`metadata` of a third and `lot`', sample => ({
    ...metadataOf(sample, 'shift'),
    lot: sample.lot!
  })),
  search('`line` and `code`', ({ line }) => ({ line, code: 'device_already_certified' })),
  search('`credential` and `code`', ({ credentialHex }) => ({
    credential: uuidOf(credentialHex),
    code: 'lot_full'
  })),
  search('`lot` and `state` revoked', ({ lot }) => ({ lot: lot!, state: 'revoked' })),
  search('`profile` and `state` superseded', ({ profile }) => ({ profile, state: 'superseded' })),
  search('`station` and `state` revoked', ({ station }) => ({ station, state: 'revoked' })),
  search('`subject.CommonName`, of a week, and `station`', ({ commonName, station }) => ({
    'subject.CommonName': `${commonName.slice(0, 11)}*`,
    station
  })),
  search('`subject.CommonName`, of a week, and `state` revoked', ({ commonName }) => ({
    'subject.CommonName': `${commonName.slice(0, 11)}*`,
    state: 'revoked'
  })),
  search(
    '`subject.CommonName`, of a product, and a `profile` that never meet',
    ({ commonName, profile }) => ({
      'subject.CommonName': `${commonName.slice(0, 5)}*`,
      profile: products.find(each => each.profile !== profile)!.profile
    }),
    { ...isEmpty, mayBeTooBroad: true }
  ),
  search(
    '`subject.CommonName`, of a product, and `metadata` of one in 300',
    sample => ({
      'subject.CommonName': `${sample.commonName.slice(0, 5)}*`,
      ...metadataOf(sample, 'fixture')
    }),
    { mayBeTooBroad: true }
  ),
  search('`subject.Organization` and `metadata` of a third', sample => ({
    'subject.Organization': 'Acme Metering GmbH',
    ...metadataOf(sample, 'shift')
  })),
  search('`subject.SerialNumber` and `profile`', ({ commonName, profile }) => ({
    'subject.SerialNumber': `00${commonName.slice(-8)}*`,
    profile
  })),
  search('`spkiSha256` and `profile`', ({ spkiSha256Hex, profile }) => ({
    spkiSha256: spkiSha256Hex,
    profile
  })),
  search('`profile` and `expiresBefore`', ({ profile }, fraction) => ({
    profile,
    expiresBefore: expiry(fraction)
  })),
  search('`metadata` of one in 300 and a month', sample => ({
    ...metadataOf(sample, 'fixture'),
    ...monthOf(sample)
  })),
  search('`state` revoked and a month', sample => ({ state: 'revoked', ...monthOf(sample) }))
]

export const searchCases: readonly SearchCase[] = [...oldCases, ...termCases, ...facetCases, ...pairCases]

function neverMeetingLine({ line, profile }: Sample) {
  const position = productionLines.findIndex(
    ({ name }, index) =>
      name !== line && !products.some(each => each.profile === profile && each.lines.includes(index))
  )
  return { line: productionLines[position]!.name, profile }
}

/** Within the ten years in which certificates end. */
function expiry(fraction: number): string {
  return new Date(Date.now() + fraction * 10 * 365 * 86_400_000).toISOString()
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The path of a search. */
export function pathOf(parameters: Parameters, cursor?: string): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of typeof value === 'string' ? [value] : value) query.append(name, each)
  }
  if (cursor !== undefined) query.set('cursor', cursor)
  return `/v1/issuances?${query.toString()}`
}
