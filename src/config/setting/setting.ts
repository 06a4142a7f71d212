import type { Kind } from '../kind.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What a default may depend on. */
export interface Surroundings {
  readonly environment: Environment
  readonly isRoot: boolean
}

/** All that there is to say of a setting: it is read, checked, shown and described by this alone. */
export interface Setting<Value, Default = Value> extends SettingText {
  readonly kind: Kind<Value>
  readonly defaultOf: (surroundings: Surroundings) => Default
  /** The default in words. */
  readonly defaultText: string
}

/** The part of a setting that does not depend on its kind. */
export interface SettingText {
  /** The environment variable. */
  readonly name: string
  /** The kind adds what may be given. */
  readonly meaning: string
  /** Another variable, which names a file whose first line is the value. Only one of the two may be set. */
  readonly fileVariant?: { readonly name: string; readonly meaning: string }
  /** The setting that means nothing without this one, and without which this one means nothing. */
  readonly togetherWith?: string
  /** The member of the configuration without which this one means nothing. */
  readonly needs?: string
}

/** With a default. */
export function setting<Value>(
  kind: Kind<Value>,
  defaultValue: NoInfer<Value>,
  described: SettingText & { readonly defaultText?: string }
): Setting<Value> {
  return { kind, defaultOf: () => defaultValue, defaultText: kind.show(defaultValue), ...described }
}

/** Undefined unless it is set. */
export function optional<Value>(
  kind: Kind<Value>,
  described: SettingText & { readonly defaultText?: string }
): Setting<Value, undefined> {
  return { kind, defaultOf: () => undefined, defaultText: 'none', ...described }
}
