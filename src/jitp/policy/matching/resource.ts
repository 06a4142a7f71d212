import type { RegistrationPlace } from '../../template/registration-place.ts'
import { type ResourceType, resourceTypes } from '../reference/device-actions.ts'
import {
  covers,
  type Effort,
  isNeverFilled,
  literalPattern,
  overlaps,
  parsePattern,
  type Pattern,
  type Token
} from './pattern.ts'

/** What a policy is judged by besides its text. */
export interface PolicySurroundings {
  readonly place: RegistrationPlace
  /** Whether the certificate is attached to a thing, or may be. */
  readonly hasThing: boolean
  readonly effort: Effort
}

/** Characters of a client id: AWS IoT Core endpoints and quotas, "Client ID size". */
const longestClientId = 128

const part: Token = { kind: 'part' }
const account: Pattern = Array.from({ length: 12 }, () => ({ kind: 'digit' }) as const)

const anywhere: RegistrationPlace = {}
const everyAt = new WeakMap<RegistrationPlace, ReadonlyMap<ResourceType, Pattern>>()

/** Every ARN of a type of resource, at a place; made once for a place. */
function everyResource(type: ResourceType, place: RegistrationPlace): Pattern {
  const known = everyAt.get(place) ?? new Map(resourceTypes.map(each => [each, buildEvery(each, place)]))
  everyAt.set(place, known)
  return known.get(type) ?? []
}

function buildEvery(type: ResourceType, place: RegistrationPlace): Pattern {
  const { partition, region, accountId } = place
  return [
    ...literalPattern('arn:'),
    ...(partition === undefined ? [part] : literalPattern(partition)),
    ...literalPattern(':iot:'),
    ...(region === undefined ? [part] : literalPattern(region)),
    ...literalPattern(':'),
    ...(accountId === undefined ? account : literalPattern(accountId)),
    ...literalPattern(`:${type}/`),
    { kind: 'run' }
  ]
}

/** A resource of a policy, and what it can match. Undefined members are not known. */
export interface ExaminedResource {
  readonly pattern: Pattern
  /** At any place. */
  readonly types: readonly ResourceType[] | undefined
  /** At the place of the registration. */
  readonly typesHere: readonly ResourceType[] | undefined
  /** Whether it is of another place than the registration for certain. */
  readonly isElsewhere: boolean
}

export function examineResource(
  text: string,
  { place, hasThing, effort }: PolicySurroundings
): ExaminedResource {
  const pattern = parsePattern(text)
  const typesAt = (where: RegistrationPlace) => {
    const found: ResourceType[] = []
    for (const type of resourceTypes) {
      const isMet = overlaps(pattern, everyResource(type, where), effort)
      if (isMet === undefined) return undefined
      if (isMet && !(type === 'client' && isTooLong(pattern))) found.push(type)
    }
    return found
  }
  if (text === '*') return { pattern, types: resourceTypes, typesHere: resourceTypes, isElsewhere: false }
  const types = typesAt(anywhere)
  const isPlaceKnown = (place.partition ?? place.region ?? place.accountId) !== undefined
  const typesHere = isPlaceKnown && types !== undefined ? typesAt(place) : types
  const isElsewhere = types !== undefined && types.length > 0 && typesHere?.length === 0
  return { pattern, types, typesHere: isNeverFilled(pattern, hasThing) ? [] : typesHere, isElsewhere }
}

/** A client id that is longer than any. */
function isTooLong(pattern: Pattern): boolean {
  const start = pattern.findIndex((_, index) => isText(pattern, index, ':client/'))
  if (start < 0) return false
  const name = pattern.slice(start + ':client/'.length)
  return name.filter(({ kind }) => kind !== 'run' && kind !== 'variable').length > longestClientId
}

function isText(pattern: Pattern, start: number, text: string): boolean {
  return [...text].every((character, index) => {
    const token = pattern[start + index]
    return token?.kind === 'character' && token.value === character
  })
}

/** What of a resource is of one type: all of that type where it leaves none out. */
export function narrowTo(
  type: ResourceType,
  { pattern }: ExaminedResource,
  { place, effort }: PolicySurroundings
): Pattern | undefined {
  const every = everyResource(type, place)
  const isAll = covers(pattern, every, effort)
  return isAll === undefined ? undefined : isAll ? every : pattern
}
