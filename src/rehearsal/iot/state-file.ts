import { readFile, rename, writeFile } from 'node:fs/promises'
import type { RoleRecord } from './records.ts'
import { emptyState, type RegistryState } from './registry/context.ts'

/** All that the stand-in remembers, in each account and region. */
export interface StandInState {
  /** By `<account id>/<region>`. */
  readonly registries: Map<string, RegistryState>
  /** By ARN. */
  readonly roles: Map<string, RoleRecord>
}

export interface StateFile {
  /** Marks that there is something to write, which is then written soon, also when nobody waits for it. */
  touch(): void
  /** Resolves when every change so far is in the file. */
  saved(): Promise<void>
}

const format = 'mintline-rehearsal-iot-1'

/** A new file is written whole and then takes the place of the old one. One write at a time carries all changes so far. */
export function createStateFile(file: string, state: StandInState): StateFile {
  let isTouched = false
  let writing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    while (isTouched) {
      isTouched = false
      try {
        await writeFile(`${file}.new`, serialize(state), { mode: 0o600 })
        await rename(`${file}.new`, file)
      } catch (error) {
        isTouched = true
        throw error
      }
    }
  }
  const saved = async (): Promise<void> => {
    writing ??= write().finally(() => (writing = undefined))
    await writing
    // A change may have come in after the loop looked for the last time.
    if (isTouched) await saved()
  }
  return {
    touch() {
      isTouched = true
      // What cannot be written is tried again, and told, by the next one who waits for it.
      setImmediate(() => void saved().catch(() => undefined))
    },
    saved
  }
}

function serialize(state: StandInState): string {
  const maps = (_: string, value: unknown): unknown =>
    value instanceof Map ? { entries: [...(value as Map<unknown, unknown>)] } : value
  return `${JSON.stringify({ format, ...state }, maps)}\n`
}

/** Empty when there is no file yet. Throws an Error when the file is there but is not one of the stand-in. */
export async function loadState(file: string | undefined): Promise<StandInState> {
  const text = file === undefined ? undefined : await readFile(file, 'utf8').catch(ignoreAbsence)
  if (text === undefined) return { registries: new Map(), roles: new Map() }
  const stored = parse(text)
  if (stored?.format !== format || !(stored.roles instanceof Map) || !(stored.registries instanceof Map))
    throw new Error(`${file} is not a state file of the AWS IoT stand-in`)
  const registries = [...stored.registries].map(([key, registry]): [string, RegistryState] => [
    key,
    { ...emptyState(), ...registry }
  ])
  return { roles: stored.roles, registries: new Map(registries) }
}

function parse(text: string): (Partial<StandInState> & { readonly format?: unknown }) | undefined {
  const maps = (_: string, value: unknown): unknown => {
    const isMap =
      typeof value === 'object' && value !== null && 'entries' in value && Array.isArray(value.entries)
    return isMap ? new Map(value.entries as [string, unknown][]) : value
  }
  try {
    const value: unknown = JSON.parse(text, maps)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function ignoreAbsence(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
