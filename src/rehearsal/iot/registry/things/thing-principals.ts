import { IotRefusal } from '../../iot-refusal.ts'
import type { ThingPrincipal, ThingRecord } from '../../records.ts'
import type { RegistryContext } from '../context.ts'
import { thingOf } from './things.ts'

type ThingPrincipalType = ThingPrincipal['thingPrincipalType']

interface PrincipalThing {
  readonly thingName: string
  readonly thingPrincipalType: ThingPrincipalType
}

/** The attachment of certificates to things. A principal is the ARN of a device certificate. */
export interface ThingPrincipals {
  /** Again with the same type does nothing. `NON_EXCLUSIVE_THING` unless told otherwise. */
  attachThingPrincipal(thingName: string, principal: string, type?: ThingPrincipalType): void
  /** Does nothing when it is not attached. */
  detachThingPrincipal(thingName: string, principal: string): void
  listPrincipalThings(principal: string): readonly PrincipalThing[]
}

export function createThingPrincipals(context: RegistryContext): ThingPrincipals {
  const { state, changed } = context
  const setPrincipals = (thing: ThingRecord, principals: readonly ThingPrincipal[]): void => {
    state.things.set(thing.thingName, { ...thing, principals })
    changed()
  }
  const listPrincipalThings = (principal: string): readonly PrincipalThing[] => {
    assertCertificate(context, principal)
    return [...state.things.values()].flatMap(({ thingName, principals }) =>
      principals
        .filter(attached => attached.principal === principal)
        .map(({ thingPrincipalType }) => ({ thingName, thingPrincipalType }))
    )
  }
  return {
    attachThingPrincipal(thingName, principal, thingPrincipalType = 'NON_EXCLUSIVE_THING') {
      const thing = thingOf(context, thingName)
      const attached = listPrincipalThings(principal)
      const here = attached.find(other => other.thingName === thingName)
      if (here?.thingPrincipalType === thingPrincipalType) return
      assertCombination(attached, thingName, thingPrincipalType)
      setPrincipals(thing, [...thing.principals, { principal, thingPrincipalType }])
    },
    detachThingPrincipal(thingName, principal) {
      const thing = thingOf(context, thingName)
      assertCertificate(context, principal)
      setPrincipals(
        thing,
        thing.principals.filter(attached => attached.principal !== principal)
      )
    },
    listPrincipalThings
  }
}

/** Throws `InvalidRequestException` for another kind of principal, `ResourceNotFoundException` for no certificate. */
function assertCertificate({ state, arns }: RegistryContext, principal: string): void {
  const certificateId = /^arn:aws[a-z-]*:iot:[^:]+:\d{12}:cert\/([0-9a-f]{64})$/.exec(principal)?.[1]
  if (certificateId === undefined)
    throw new IotRefusal('InvalidRequestException', `${principal} is not the ARN of a certificate.`)
  if (state.certificates.has(certificateId) && arns.certificateArn(certificateId) === principal) return
  throw new IotRefusal('ResourceNotFoundException', `Certificate ${principal} not found.`)
}

/** An exclusive certificate is on one thing alone, and one attachment has one type. */
function assertCombination(
  attached: readonly PrincipalThing[],
  thingName: string,
  type: ThingPrincipalType
): void {
  const isConflict = attached.some(
    other =>
      other.thingName === thingName ||
      type === 'EXCLUSIVE_THING' ||
      other.thingPrincipalType === 'EXCLUSIVE_THING'
  )
  if (isConflict)
    throw new IotRefusal(
      'InvalidRequestException',
      `The certificate is attached in a way that excludes ${type}.`
    )
}
