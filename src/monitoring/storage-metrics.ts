import { Gauge, type Registry } from 'prom-client'
import type { StorageWatch } from '../storage/storage-watch.ts'

/** Read when they are asked for; not a number where nothing is watched, or nothing is known yet. */
export function addStorageMetrics(registry: Registry, storage: Pick<StorageWatch, 'measure'>): void {
  const registers = [registry]
  new Gauge({
    name: 'mintline_storage_free_bytes',
    help: 'Bytes that are free for the database: on the volume of the embedded one, below the size limit of another.',
    registers,
    async collect() {
      this.set((await storage.measure())?.freeBytes ?? Number.NaN)
    }
  })
  new Gauge({
    name: 'mintline_storage_reserve_bytes',
    help: 'Where fewer bytes than these are free, it is time to make room.',
    registers,
    async collect() {
      this.set((await storage.measure())?.reserveBytes ?? Number.NaN)
    }
  })
}
