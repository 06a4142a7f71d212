import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { IotRefusal } from '../../iot-refusal.ts'
import type { BillingGroupRecord, ThingTypeRecord } from '../../records.ts'
import type { RegistryContext } from '../context.ts'
import { assertName } from '../names.ts'
import { thingOf } from './things.ts'

type NewThingType = Pick<ThingTypeRecord, 'thingTypeName' | 'description' | 'searchableAttributes'>
type NewBillingGroup = Pick<BillingGroupRecord, 'billingGroupName' | 'description'>

/** What a thing may have one of: a thing type and a billing group. */
export interface ThingTypes {
  /** The same type again answers with the one there is; a different one throws `ResourceAlreadyExistsException`. */
  createThingType(type: NewThingType): ThingTypeRecord
  /** Throws `ResourceNotFoundException`. */
  describeThingType(thingTypeName: string): ThingTypeRecord
  listThingTypes(): readonly ThingTypeRecord[]
  /** The same group again answers with the one there is; a different one throws `ResourceAlreadyExistsException`. */
  createBillingGroup(group: NewBillingGroup): BillingGroupRecord
  /** Throws `ResourceNotFoundException`. */
  describeBillingGroup(billingGroupName: string): BillingGroupRecord
  listBillingGroups(): readonly BillingGroupRecord[]
  /** Throws `InvalidRequestException` when the thing is in another one. */
  addThingToBillingGroup(billingGroupName: string, thingName: string): void
  /** Does nothing when it is not in it. */
  removeThingFromBillingGroup(billingGroupName: string, thingName: string): void
}

export function createThingTypes(context: RegistryContext): ThingTypes {
  const { state, arns, clock, changed } = context
  const describeThingType = (thingTypeName: string): ThingTypeRecord => {
    const type = state.thingTypes.get(thingTypeName)
    if (type !== undefined) return type
    throw new IotRefusal('ResourceNotFoundException', `Thing type ${thingTypeName} not found.`)
  }
  const describeBillingGroup = (billingGroupName: string): BillingGroupRecord => {
    const group = state.billingGroups.get(billingGroupName)
    if (group !== undefined) return group
    throw new IotRefusal('ResourceNotFoundException', `Billing group ${billingGroupName} not found.`)
  }
  const setBillingGroup = (thingName: string, billingGroupName: string | null): void => {
    state.things.set(thingName, { ...thingOf(context, thingName), billingGroupName })
    changed()
  }
  return {
    createThingType(type) {
      const { thingTypeName } = type
      assertName('thingTypeName', thingTypeName)
      const existing = state.thingTypes.get(thingTypeName)
      if (existing !== undefined) {
        const resourceArn = arns.thingTypeArn(thingTypeName)
        return assertSame(existing, type, { resourceId: thingTypeName, resourceArn })
      }
      const record = { ...type, thingTypeId: randomUUID(), createdAt: clock() }
      state.thingTypes.set(thingTypeName, record)
      changed()
      return record
    },
    describeThingType,
    listThingTypes: () => [...state.thingTypes.values()],
    createBillingGroup(group) {
      const { billingGroupName } = group
      assertName('billingGroupName', billingGroupName)
      const existing = state.billingGroups.get(billingGroupName)
      if (existing !== undefined) {
        const resourceArn = arns.billingGroupArn(billingGroupName)
        return assertSame(existing, group, { resourceId: billingGroupName, resourceArn })
      }
      const record = { ...group, billingGroupId: randomUUID(), createdAt: clock() }
      state.billingGroups.set(billingGroupName, record)
      changed()
      return record
    },
    describeBillingGroup,
    listBillingGroups: () => [...state.billingGroups.values()],
    addThingToBillingGroup(billingGroupName, thingName) {
      describeBillingGroup(billingGroupName)
      const current = thingOf(context, thingName).billingGroupName
      if (current !== null && current !== billingGroupName)
        throw new IotRefusal('InvalidRequestException', `The thing is in billing group ${current} already.`)
      setBillingGroup(thingName, billingGroupName)
    },
    removeThingFromBillingGroup(billingGroupName, thingName) {
      describeBillingGroup(billingGroupName)
      if (thingOf(context, thingName).billingGroupName === billingGroupName) setBillingGroup(thingName, null)
    }
  }
}

function assertSame<Existing extends object>(
  existing: Existing,
  wanted: Partial<Existing>,
  resource: { readonly resourceId: string; readonly resourceArn: string }
): Existing {
  if (isDeepStrictEqual(existing, { ...existing, ...wanted })) return existing
  const message = `${resource.resourceArn} exists and is different.`
  throw new IotRefusal('ResourceAlreadyExistsException', message, resource)
}
