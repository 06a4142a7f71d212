import { IotRefusal } from '../../iot-refusal.ts'
import type { ShadowRecord } from '../../records.ts'
import type { RegistryContext } from '../context.ts'
import { assertName } from '../names.ts'
import { mergeState, sections, type ShadowSections, type ShadowState, stampState } from './shadow-document.ts'
import { assertSize, type ShadowUpdate } from './shadow-request.ts'

/** Which shadow of a thing: null is the classic one, which has no name. */
export interface ShadowKey {
  readonly thingName: string
  readonly shadowName: string | null
}

/**
 * Device shadows. Each is there from its first update on; a thing of that name need not be. Names that AWS IoT does not
 * take throw `InvalidRequestException`.
 */
export interface Shadows {
  /** Throws `ResourceNotFoundException`. */
  getShadow(key: ShadowKey): ShadowRecord
  /** Undefined until the first update, and from its deletion on. */
  findShadow(key: ShadowKey): ShadowRecord | undefined
  /** Throws `ConflictException` for another version than the update names, `RequestEntityTooLargeException`. */
  updateShadow(key: ShadowKey, update: ShadowUpdate): ShadowRecord
  /** Throws `ResourceNotFoundException`. */
  deleteShadow(key: ShadowKey): ShadowRecord
  listNamedShadows(thingName: string): readonly string[]
}

const shadowNameForm = /^[a-zA-Z0-9:_-]{1,64}$/

export function createShadows({ state, clock, changed }: RegistryContext): Shadows {
  const lookUp = (key: ShadowKey): ShadowRecord | undefined => {
    const text = state.shadows.get(idOf(key))
    return text === undefined ? undefined : parse(text)
  }
  const put = (key: ShadowKey, record: ShadowRecord): ShadowRecord => {
    state.shadows.set(idOf(key), JSON.stringify(record))
    changed()
    return record
  }
  const findShadow = (key: ShadowKey): ShadowRecord | undefined => {
    const record = lookUp(key)
    return record === undefined || record.isDeleted ? undefined : record
  }
  const getShadow = (key: ShadowKey): ShadowRecord => {
    const record = findShadow(key)
    if (record !== undefined) return record
    throw new IotRefusal('ResourceNotFoundException', `No shadow exists with name: '${nameOf(key)}'`)
  }
  return {
    getShadow,
    findShadow,
    updateShadow(key, update) {
      // The count of versions goes on where a shadow was deleted.
      const version = lookUp(key)?.version ?? 0
      if (update.version !== undefined && update.version !== (findShadow(key) === undefined ? 0 : version))
        throw new IotRefusal('ConflictException', 'Version conflict')
      const timestamp = Math.floor(clock() / 1000)
      const changes = changeSections(findShadow(key), update, timestamp)
      assertSize(JSON.stringify(changes.state))
      return put(key, { ...key, ...changes, version: version + 1, timestamp, isDeleted: false })
    },
    deleteShadow(key) {
      const record = getShadow(key)
      return put(key, { ...record, state: {}, metadata: {}, isDeleted: true })
    },
    listNamedShadows: thingName =>
      [...state.shadows.values()]
        .map(parse)
        .flatMap(record =>
          record.thingName === thingName && record.shadowName !== null && !record.isDeleted
            ? [record.shadowName]
            : []
        )
  }
}

const parse = (text: string) => JSON.parse(text) as ShadowRecord

function changeSections(
  before: Pick<ShadowRecord, 'state' | 'metadata'> = { state: {}, metadata: {} },
  { state }: ShadowUpdate,
  seconds: number
): { readonly state: ShadowSections; readonly metadata: ShadowSections } {
  const after = { state: { ...before.state }, metadata: { ...before.metadata } }
  for (const section of sections) {
    const change: ShadowState | null | undefined = state[section]
    if (change === undefined) continue
    if (change === null) {
      delete after.state[section]
      delete after.metadata[section]
      continue
    }
    after.state[section] = mergeState(after.state[section] ?? {}, change)
    after.metadata[section] = stampState(after.metadata[section] ?? {}, change, seconds)
  }
  return after
}

function idOf({ thingName, shadowName }: ShadowKey): string {
  assertName('thingName', thingName)
  if (shadowName !== null && !shadowNameForm.test(shadowName))
    throw new IotRefusal('InvalidRequestException', `shadowName "${shadowName}" is not one.`)
  return JSON.stringify([thingName, shadowName])
}

function nameOf({ thingName, shadowName }: ShadowKey): string {
  return shadowName === null ? thingName : `${thingName}~${shadowName}`
}
