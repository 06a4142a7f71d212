import { controlPlaneActions } from '../reference/control-plane-actions.ts'
import { type DeviceAction, deviceActions, otherDeviceServices } from '../reference/device-actions.ts'
import { covers, type Effort, literalPattern, parsePattern } from './pattern.ts'

/** What an action of a policy means, wildcards unfolded. */
export type ActionMeaning =
  | { readonly kind: 'device'; readonly actions: readonly DeviceAction[]; readonly isOpen: boolean }
  | { readonly kind: 'control-plane' | 'other-device-service' | 'other-service' | 'unknown' | 'open' }

const services = ['iot', 'iotjobsdata']
const controlPlaneNames = controlPlaneActions.map(name => `iot:${name.toLowerCase()}`)
const controlPlaneSet: ReadonlySet<string> = new Set(controlPlaneNames)
const allNames = [...deviceActions.keys(), ...controlPlaneNames].map(name => ({
  name,
  pattern: literalPattern(name)
}))

/**
 * Actions are matched without regard to case, and with `*` and `?`. `open`: there is no effort left to tell.
 */
export function meaningOf(text: string, effort: Effort): ActionMeaning {
  const action = text.toLowerCase()
  const service = action.slice(0, Math.max(action.indexOf(':'), 0))
  if (/[*?]/.test(action)) return unfold(action, service, effort)
  const known = deviceActions.get(action)
  if (known !== undefined) return { kind: 'device', actions: [known], isOpen: false }
  if (controlPlaneSet.has(action)) return { kind: 'control-plane' }
  if (otherDeviceServices.includes(service)) return { kind: 'other-device-service' }
  return { kind: services.includes(service) ? 'unknown' : 'other-service' }
}

function unfold(action: string, service: string, effort: Effort): ActionMeaning {
  const isForeign = service !== '' && !/[*?]/.test(service) && !services.includes(service)
  if (isForeign)
    return { kind: otherDeviceServices.includes(service) ? 'other-device-service' : 'other-service' }
  const pattern = parsePattern(action)
  const matched = allNames.filter(({ pattern: name }) => covers(pattern, name, effort) === true)
  if (effort.steps < 0) return { kind: 'open' }
  const actions = matched.flatMap(({ name }) => deviceActions.get(name) ?? [])
  if (actions.length > 0) return { kind: 'device', actions, isOpen: !services.includes(service) }
  if (matched.length > 0) return { kind: 'control-plane' }
  return { kind: services.includes(service) ? 'unknown' : 'other-device-service' }
}
