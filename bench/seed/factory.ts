import { defaultSubject } from '../../src/profiles/request.ts'

/** What the seeded factory is like. Whatever is not here follows from chance. */

const monthCount = 36
/** At the start of each, profiles get versions; and at some, the authorities their next generation. */
export const epochCount = 6
export const lotsOfProfile = 50
export const stationsOfLine = 5
export const fixturesOfStation = 5
export const shifts = ['early', 'late', 'night'] as const

export const authorityLines = ['acme-devices', 'acme-gateways'] as const
const sites = ['Graz', 'Linz', 'Brno'] as const

export interface ProductionLine {
  readonly name: string
  readonly site: string
  readonly stations: readonly string[]
}

export const productionLines: readonly ProductionLine[] = Array.from({ length: 12 }, (_, index) => {
  const name = `${'ABC'[Math.floor(index / 4)]}${(index % 4) + 1}`
  return {
    name,
    site: sites[Math.floor(index / 4)]!,
    stations: Array.from(
      { length: stationsOfLine },
      (_, position) => `st-${name.toLowerCase()}-${position + 1}`
    )
  }
})

export interface Product {
  /** Of its profile. */
  readonly profile: string
  readonly authority: (typeof authorityLines)[number]
  /** What CommonNames begin with. */
  readonly prefix: string
  /** Of all issuances, in percent. */
  readonly share: number
  readonly validityDays: number
  /** Whether AWS IoT names the thing by the CommonName, or else by the certificate. */
  readonly namesThing: boolean
  readonly subject: {
    readonly Country: string
    readonly Organization: string
    readonly OrganizationalUnit: string
  }
  /** Where it is made: indexes of `productionLines`. Most lines and products never meet. */
  readonly lines: readonly number[]
}

const shares = [30, 20, 15, 12, 10, 8, 4, 1]
const names = [
  'meter-a1',
  'meter-b2',
  'sensor-t100',
  'sensor-h20',
  'valve-v3',
  'lock-l7',
  'gateway-g5',
  'gateway-x9'
]

export const products: readonly Product[] = names.map((profile, index) => {
  const [kind = '', model = ''] = profile.split('-')
  return {
    profile,
    authority: authorityLines[kind === 'gateway' ? 1 : 0],
    prefix: `${kind[0]}${model}`.toUpperCase().padEnd(5, '0'),
    share: shares[index]!,
    validityDays: [3650, 3650, 1825, 1825, 3650, 730, 365, 1095][index]!,
    namesThing: index % 4 !== 3,
    subject: {
      Country: ['AT', 'CZ', 'DE'][index % 3]!,
      Organization: kind === 'lock' ? 'Acme Access GmbH' : 'Acme Metering GmbH',
      OrganizationalUnit: `${kind[0]!.toUpperCase()}${kind.slice(1)}s`
    },
    lines: [index, 8 + (index % 4)]
  }
})

/** Exactly as long as what `commonNameOf` and `serialNumberOf` make. */
export function placeholderOf({ prefix }: Product) {
  return { CommonName: `${prefix}-9999-99999999`, SerialNumber: '9999999999X' }
}

/** E.g. `MA100-2431-00012345`: the product, year and week, and a number of its own. */
export function commonNameOf({ prefix }: Product, number: number, milliseconds: number): string {
  const date = new Date(milliseconds)
  const year = date.getUTCFullYear()
  const week = Math.floor((milliseconds - Date.UTC(year)) / (7 * 86_400_000)) + 1
  return `${prefix}-${year % 100}${String(week).padStart(2, '0')}-${String(number).padStart(8, '0')}`
}

export function serialNumberOf(number: number): string {
  return `${String(number).padStart(10, '0')}${'ABCDEFGHJK'[number % 10]}`
}

/** The rules of a product in an epoch; where these are those of the epoch before, there is no new version. */
export function profileRequestOf(product: Product, epoch: number) {
  const revision = Math.floor((epoch + products.indexOf(product)) / 2)
  const name = product.namesThing ? 'CommonName' : 'Id'
  return {
    name: product.profile,
    description: `Devices of the kind ${product.prefix}, revision ${revision}.`,
    authority: product.authority,
    subject: { ...defaultSubject, Country: { rule: 'required', pattern: '[A-Z]{2}' } },
    deviceIdentity: ['CommonName'],
    validity: { days: product.validityDays },
    template: templateOf(name, String(revision))
  }
}

function templateOf(name: string, revision: string) {
  const parameters = [...new Set(['Country', 'Id', name])].map(each => [
    `AWS::IoT::Certificate::${each}`,
    { Type: 'String' }
  ])
  return {
    Parameters: Object.fromEntries(parameters) as Record<string, object>,
    Resources: {
      thing: {
        Type: 'AWS::IoT::Thing',
        Properties: {
          ThingName: { Ref: `AWS::IoT::Certificate::${name}` },
          AttributePayload: { revision, country: { Ref: 'AWS::IoT::Certificate::Country' } }
        },
        OverrideSettings: {
          AttributePayload: 'MERGE',
          ThingTypeName: 'DO_NOTHING',
          ThingGroups: 'DO_NOTHING'
        }
      },
      certificate: {
        Type: 'AWS::IoT::Certificate',
        Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' },
        OverrideSettings: { Status: 'REPLACE' }
      },
      policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'acme-device' } }
    }
  }
}

/** Of a product's lots, which follow each other. */
export function lotIdOf({ prefix }: Product, position: number): string {
  return `${prefix}-lot-${String(position + 1).padStart(3, '0')}`
}

export interface Span {
  /** Milliseconds since 1970; `end` is exclusive. */
  readonly start: number
  readonly end: number
}

/** The months (UTC) that are seeded: three years until now. */
export function monthsUntil(now: number): readonly Span[] {
  const today = new Date(now)
  const startOf = (ago: number) => Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - ago)
  return Array.from({ length: monthCount }, (_, index) => {
    const ago = monthCount - 1 - index
    return { start: startOf(ago), end: Math.min(startOf(ago - 1), now) }
  })
}
