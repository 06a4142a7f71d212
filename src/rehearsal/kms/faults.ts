import type { KmsErrorName } from './kms-refusal.ts'
import { type OperationName, operationNames } from './operations.ts'

/** What goes wrong on purpose. A rate is the share of requests, 0 to 1. */
export interface KmsFaults {
  /** How long each reply waits after its work is done, so that a client that gives up may find the work done. */
  readonly latencyMs: number
  /** Answered with `ThrottlingException` before any work. */
  readonly throttleRate: number
  /** Answered with `failureName` before any work. */
  readonly failureRate: number
  readonly failureName: 'KMSInternalException' | 'DependencyTimeoutException' | 'KeyUnavailableException'
  /** The connection is cut after the work is done, in place of the reply. */
  readonly droppedReplyRate: number
  /** Answered with `AccessDeniedException`. */
  readonly deniedOperations: readonly OperationName[]
}

export const noFaults: KmsFaults = {
  latencyMs: 0,
  throttleRate: 0,
  failureRate: 0,
  failureName: 'KMSInternalException',
  droppedReplyRate: 0,
  deniedOperations: []
}

const failureNames: readonly KmsErrorName[] = [
  'KMSInternalException',
  'DependencyTimeoutException',
  'KeyUnavailableException'
]

const isRate = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1

const isAllowed: Readonly<Record<keyof KmsFaults, (value: unknown) => boolean>> = {
  latencyMs: value => typeof value === 'number' && value >= 0 && value <= 600_000,
  throttleRate: isRate,
  failureRate: isRate,
  failureName: value => (failureNames as readonly unknown[]).includes(value),
  droppedReplyRate: isRate,
  deniedOperations: value =>
    Array.isArray(value) && value.every(name => (operationNames as readonly unknown[]).includes(name))
}

/** The names of the members that are unknown or out of range. */
export function faultMistakes(changes: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(changes)
    .filter(([name, value]) => !(Object.hasOwn(isAllowed, name) && isAllowed[name as keyof KmsFaults](value)))
    .map(([name]) => name)
}
