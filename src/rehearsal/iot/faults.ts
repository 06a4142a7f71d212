import { IotRefusal } from './iot-refusal.ts'

/** What goes wrong on purpose. A rate is the share of requests, 0 to 1. */
export interface IotFaults {
  /** How long each reply waits after its work is done, so that a client that gives up may find the work done. */
  readonly latencyMs: number
  /** Answered with `ThrottlingException` before any work. */
  readonly throttleRate: number
  /** Answered with `failureName` before any work. */
  readonly failureRate: number
  readonly failureName: 'InternalFailureException' | 'ServiceUnavailableException'
  /** The connection is cut after the work is done, in place of the reply. */
  readonly droppedReplyRate: number
  /** Answered with `AccessDeniedException`. */
  readonly deniedOperations: readonly string[]
  /** What the next calls of one operation meet, whatever the rates say. Each call uses one up. */
  readonly failNext: readonly PlannedFault[]
}

interface PlannedFault {
  readonly operation: string
  readonly mode: FaultMode
  readonly times: number
}

const faultModes = ['throttle', 'failure', 'dropReply'] as const
export type FaultMode = (typeof faultModes)[number]

const noFaults: IotFaults = {
  latencyMs: 0,
  throttleRate: 0,
  failureRate: 0,
  failureName: 'InternalFailureException',
  droppedReplyRate: 0,
  deniedOperations: [],
  failNext: []
}

export interface FaultInjector {
  readonly faults: IotFaults
  /** Changes the given faults and keeps the others. */
  change(changes: Partial<IotFaults>): void
  /** The names of the members that are unknown or out of range. */
  mistakesIn(changes: Readonly<Record<string, unknown>>): readonly string[]
  /** To be asked once for each call. Throws the refusal that the call meets before any work. */
  meet(operation: string): { readonly dropsReply: boolean }
}

/** @param random from 0 up to 1. */
export function createFaultInjector(
  operationNames: readonly string[],
  initialFaults: Partial<IotFaults>,
  random: () => number
): FaultInjector {
  let faults: IotFaults = { ...noFaults, ...initialFaults }
  const takePlanned = (operation: string): FaultMode | undefined => {
    const planned = faults.failNext.find(fault => fault.operation === operation)
    if (planned === undefined) return undefined
    const left = faults.failNext.map(fault =>
      fault === planned ? { ...fault, times: fault.times - 1 } : fault
    )
    faults = { ...faults, failNext: left.filter(({ times }) => times > 0) }
    return planned.mode
  }
  return {
    get faults() {
      return faults
    },
    change(changes) {
      faults = { ...faults, ...changes }
    },
    mistakesIn: changes => faultMistakes(operationNames, changes),
    meet(operation) {
      const mode = takePlanned(operation)
      if (faults.deniedOperations.includes(operation))
        throw new IotRefusal('AccessDeniedException', `not authorized to perform ${operation}`)
      if (mode === 'throttle' || random() < faults.throttleRate)
        throw new IotRefusal('ThrottlingException', 'Rate exceeded')
      if (mode === 'failure' || random() < faults.failureRate)
        throw new IotRefusal(faults.failureName, 'An injected failure.')
      return { dropsReply: mode === 'dropReply' || random() < faults.droppedReplyRate }
    }
  }
}

function faultMistakes(
  operationNames: readonly string[],
  changes: Readonly<Record<string, unknown>>
): readonly string[] {
  const isRate = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1
  const isOperation = (value: unknown) => operationNames.some(name => name === value)
  const isAllowed: Readonly<Record<keyof IotFaults, (value: unknown) => boolean>> = {
    latencyMs: value => typeof value === 'number' && value >= 0 && value <= 600_000,
    throttleRate: isRate,
    failureRate: isRate,
    failureName: value => value === 'InternalFailureException' || value === 'ServiceUnavailableException',
    droppedReplyRate: isRate,
    deniedOperations: value => Array.isArray(value) && value.every(isOperation),
    failNext: value =>
      Array.isArray(value) && value.every(fault => isPlannedFault(fault) && isOperation(fault.operation))
  }
  return Object.entries(changes)
    .filter(([name, value]) => !(Object.hasOwn(isAllowed, name) && isAllowed[name as keyof IotFaults](value)))
    .map(([name]) => name)
}

function isPlannedFault(value: unknown): value is PlannedFault {
  if (typeof value !== 'object' || value === null) return false
  const { mode, times } = value as Partial<PlannedFault>
  return faultModes.some(known => known === mode) && Number.isInteger(times) && Number(times) > 0
}
