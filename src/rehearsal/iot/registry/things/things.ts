import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { IotRefusal } from '../../iot-refusal.ts'
import type { ThingRecord } from '../../records.ts'
import type { RegistryContext } from '../context.ts'
import { assertAttributes, assertName } from '../names.ts'

interface NewThing {
  readonly thingName: string
  readonly thingTypeName?: string | null | undefined
  readonly attributes?: Readonly<Record<string, string>> | undefined
  readonly billingGroupName?: string | null | undefined
}

/** What is absent stays as it is. */
interface ThingChange {
  /** Null takes the thing type away. */
  readonly thingTypeName?: string | null | undefined
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /** Keeps the attributes that are not named; an empty value takes one away. Without it they are replaced. */
  readonly mergeAttributes?: boolean | undefined
  /** Throws `VersionConflictException` when the thing has another one. */
  readonly expectedVersion?: number | undefined
}

export interface Things {
  /** The same thing again answers with the one there is; a different one throws `ResourceAlreadyExistsException`. */
  createThing(thing: NewThing): ThingRecord
  updateThing(thingName: string, change: ThingChange): ThingRecord
  findThing(thingName: string): ThingRecord | undefined
  /** Throws `ResourceNotFoundException`. */
  describeThing(thingName: string): ThingRecord
  /** Does nothing when there is no such thing. Throws `InvalidRequestException` while a principal is attached. */
  deleteThing(thingName: string, expectedVersion?: number): void
  listThings(): readonly ThingRecord[]
}

export function createThings(context: RegistryContext): Things {
  const { state, changed } = context
  const describeThing = (thingName: string) => thingOf(context, thingName)
  const put = (thing: ThingRecord): ThingRecord => {
    assertAttributes(thing.attributes, thing.thingTypeName === null ? 3 : 50)
    assertThingType(context, thing.thingTypeName)
    state.things.set(thing.thingName, thing)
    changed()
    return thing
  }
  return {
    createThing({ thingName, thingTypeName = null, attributes = {}, billingGroupName = null }) {
      assertName('thingName', thingName)
      const config = { thingTypeName, attributes, billingGroupName }
      const existing = state.things.get(thingName)
      if (existing !== undefined) return assertSame(context, existing, config)
      if (billingGroupName !== null && !state.billingGroups.has(billingGroupName))
        throw new IotRefusal('ResourceNotFoundException', `Billing group ${billingGroupName} not found.`)
      const attachments = { thingGroups: [], principals: [] }
      return put({ thingName, thingId: randomUUID(), ...config, ...attachments, version: 1 })
    },
    updateThing(thingName, change) {
      const thing = describeThing(thingName)
      assertVersion(thing, change.expectedVersion)
      const { thingTypeName = thing.thingTypeName } = change
      return put({
        ...thing,
        thingTypeName,
        attributes: changedAttributes(thing, change),
        version: thing.version + 1
      })
    },
    findThing: thingName => state.things.get(thingName),
    describeThing,
    deleteThing(thingName, expectedVersion) {
      const thing = state.things.get(thingName)
      if (thing === undefined) return
      assertVersion(thing, expectedVersion)
      if (thing.principals.length > 0)
        throw new IotRefusal('InvalidRequestException', `A principal is attached to thing ${thingName}.`)
      state.things.delete(thingName)
      changed()
    },
    listThings: () => [...state.things.values()]
  }
}

/** Throws `ResourceNotFoundException`. */
export function thingOf({ state }: RegistryContext, thingName: string): ThingRecord {
  const thing = state.things.get(thingName)
  if (thing !== undefined) return thing
  throw new IotRefusal('ResourceNotFoundException', `Thing ${thingName} not found.`)
}

type ThingConfig = Pick<ThingRecord, 'thingTypeName' | 'attributes' | 'billingGroupName'>

function assertSame({ arns }: RegistryContext, existing: ThingRecord, config: ThingConfig): ThingRecord {
  const { thingName, thingTypeName, attributes, billingGroupName } = existing
  if (isDeepStrictEqual({ thingTypeName, attributes, billingGroupName }, config)) return existing
  throw new IotRefusal('ResourceAlreadyExistsException', `Thing ${thingName} exists and is different.`, {
    resourceId: thingName,
    resourceArn: arns.thingArn(thingName)
  })
}

function assertThingType({ state }: RegistryContext, thingTypeName: string | null): void {
  if (thingTypeName === null || state.thingTypes.has(thingTypeName)) return
  throw new IotRefusal('ResourceNotFoundException', `Thing type ${thingTypeName} not found.`)
}

function assertVersion({ thingName, version }: ThingRecord, expectedVersion: number | undefined): void {
  if (expectedVersion === undefined || expectedVersion === version) return
  throw new IotRefusal('VersionConflictException', `Thing ${thingName} has version ${version}.`)
}

function changedAttributes(thing: ThingRecord, change: ThingChange): Readonly<Record<string, string>> {
  if (change.attributes === undefined) return thing.attributes
  if (change.mergeAttributes !== true) return change.attributes
  const merged = Object.entries({ ...thing.attributes, ...change.attributes })
  return Object.fromEntries(merged.filter(([, value]) => value !== ''))
}
