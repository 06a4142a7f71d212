import { IotRefusal } from '../iot-refusal.ts'
import type { LoggingRecord } from '../records.ts'
import type { RegistryContext } from './context.ts'

export interface Logging {
  /** Throws `NotConfiguredException` until it was set. */
  getLogging(): LoggingRecord
  setLogging(logging: LoggingRecord): void
}

export function createLogging({ state, changed }: RegistryContext): Logging {
  return {
    getLogging() {
      if (state.logging !== undefined) return state.logging
      throw new IotRefusal('NotConfiguredException', 'Logging is not configured for this account.')
    },
    setLogging(logging) {
      state.logging = logging
      changed()
    }
  }
}
