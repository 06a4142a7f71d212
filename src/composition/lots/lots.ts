import type { Database } from '../../database/database.ts'
import { createArrivingStore } from '../../factory/lots/devices/arriving-store.ts'
import type { DeviceLists } from '../../factory/lots/devices/list/device-list.ts'
import { createDeviceListStore } from '../../factory/lots/devices/list/device-list-store.ts'
import { createDeviceLists } from '../../factory/lots/devices/list/device-lists.ts'
import type { Lots } from '../../factory/lots/lot.ts'
import { createLotStore, type LotStore } from '../../factory/lots/lot-store.ts'
import { createLots, type LotDependencies } from '../../factory/lots/lots.ts'
import { createDeviceNaming } from '../../issuance/lots/device-naming.ts'
import { deviceRefusal, type UnexpectedDevice } from '../../issuance/lots/device-refusal.ts'
import type { Profiles } from '../../profiles/profile.ts'

export interface LotParts {
  readonly lots: Lots
  readonly lotStore: LotStore
  readonly deviceLists: DeviceLists
}

export interface LotGround extends Omit<LotDependencies, 'store' | 'prepareList'> {
  readonly database: Database
  readonly profiles: Pick<Profiles, 'current'>
}

/** What is made, how many of it, and which devices. */
export function createLotParts(ground: LotGround): LotParts {
  const { database, profiles } = ground
  const lotStore = createLotStore(database)
  const deviceLists = createDeviceLists({
    ...ground,
    lotStore,
    arriving: createArrivingStore(database),
    store: createDeviceListStore(database),
    findNaming: findNamingIn(profiles)
  })
  return {
    lotStore,
    deviceLists,
    lots: createLots({
      ...ground,
      store: lotStore,
      prepareList: (profile, rows) => deviceLists.prepare(profile, rows)
    })
  }
}

/** What is told of a device that its lot does not expect. */
export function refuseUnexpectedWith({ database, profiles }: Pick<LotGround, 'database' | 'profiles'>) {
  const dependencies = {
    deviceLists: createDeviceListStore(database),
    findNaming: findNamingIn(profiles)
  }
  return (device: UnexpectedDevice) => deviceRefusal(dependencies, device)
}

function findNamingIn(profiles: LotGround['profiles']) {
  return async (profile: string) => createDeviceNaming(await profiles.current(profile))
}
