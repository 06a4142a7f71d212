import Type from 'typebox'
import { ProfileDocument, validityOf, whenIssuerExpiresFirst } from './document.ts'

const defaultWhenIssuerExpiresFirst = 'shorten'

export const defaultSubject = {
  Country: { rule: 'allowed', pattern: '[A-Z]{2}' },
  CommonName: { rule: 'required' },
  Organization: { rule: 'allowed' },
  OrganizationalUnit: { rule: 'allowed' },
  StateName: { rule: 'allowed' },
  DistinguishedNameQualifier: { rule: 'allowed' },
  SerialNumber: { rule: 'allowed' }
} satisfies ProfileDocument['subject']

/** What a profile says where the request for it is silent: as the starter profile does, with Country left open. */
const defaults = {
  jitp: {
    functions: 'refuse',
    defaultsFillAbsentFields: false,
    subjectCharacters: 'refuse',
    generatedPolicyName: 'unknown'
  },
  subject: defaultSubject,
  lookalikes: 'warn',
  afterCompromise: 'reissue',
  reissue: 'refuse',
  sameKey: 'refuse',
  supersededEnds: 'now',
  keys: { ec: { curves: ['P-256', 'P-384'] }, rsa: { minimumBits: 2048, maximumBits: 4096 } },
  validity: { days: 3650, whenIssuerExpiresFirst: defaultWhenIssuerExpiresFirst },
  backdateMinutes: 60,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['clientAuth']
} satisfies Partial<ProfileDocument>

/** Of a profile that leaves the subject to the defaults, which require the field. */
const defaultIdentity: NonNullable<ProfileDocument['deviceIdentity']> = ['CommonName']

type Defaulted = keyof typeof defaults
type Validity = ProfileDocument['validity']
type RequestedValidity<Of extends Validity> = Of extends Validity
  ? Omit<Of, 'whenIssuerExpiresFirst'> & Partial<Pick<Of, 'whenIssuerExpiresFirst'>>
  : never

/** A profile as an administrator posts it: its name, authority and template, and what is to differ from the defaults. */
export type ProfileRequest = Omit<ProfileDocument, Defaulted> &
  Partial<Omit<Pick<ProfileDocument, Defaulted>, 'validity'>> & {
    readonly validity?: RequestedValidity<Validity>
  }

const { properties } = ProfileDocument

const validity = validityOf(
  Type.Optional({ ...whenIssuerExpiresFirst, default: defaultWhenIssuerExpiresFirst })
)

export const ProfileRequest = Type.Unsafe<ProfileRequest>({
  ...ProfileDocument,
  required: ProfileDocument.required.filter(name => !Object.hasOwn(defaults, name)),
  properties: {
    ...Object.fromEntries(
      Object.entries({ ...properties, validity }).map(([name, schema]) => [
        name,
        Object.hasOwn(defaults, name) ? { ...schema, default: defaults[name as Defaulted] } : schema
      ])
    ),
    deviceIdentity: {
      ...properties.deviceIdentity,
      description: `The fields that together name one device. Left out together with \`subject\`: ${defaultIdentity.join(', ')}. Left out beside a \`subject\`: the key is the identity.`
    }
  }
})

/**
 * The profile in full, as it is kept: what a default is tomorrow changes no profile of today. A complete document is
 * given back as it is.
 */
export function completeProfile(request: ProfileRequest): ProfileDocument {
  const { jitp, subject, deviceIdentity, validity: requested = defaults.validity, ...others } = request
  const identity = deviceIdentity ?? (subject === undefined ? defaultIdentity : undefined)
  const complete: ProfileDocument = {
    ...defaults,
    ...others,
    jitp: { ...defaults.jitp, ...jitp },
    subject: subject ?? defaults.subject,
    ...(identity !== undefined && { deviceIdentity: identity }),
    validity: { whenIssuerExpiresFirst: defaultWhenIssuerExpiresFirst, ...requested }
  }
  return structuredClone(inOrder(complete))
}

/** As the description has its members, for who reads it. */
function inOrder(document: ProfileDocument): ProfileDocument {
  const names = Object.keys(properties)
  const entries = Object.entries(document)
  entries.sort(([left], [right]) => names.indexOf(left) - names.indexOf(right))
  return Object.fromEntries(entries) as unknown as ProfileDocument
}
