import type { ResourceType } from '../reference/device-actions.ts'
import type { Pattern, Token } from './pattern.ts'

const run: Token = { kind: 'run' }

/** What stands behind the type of resource. Undefined where the type is not written out. */
export function nameOf(pattern: Pattern, type: ResourceType): Pattern | undefined {
  const wanted = `:${type}/`
  const start = pattern.findIndex((_, index) =>
    [...wanted].every((character, offset) => {
      const token = pattern[index + offset]
      return token?.kind === 'character' && token.value === character
    })
  )
  return start < 0 ? undefined : pattern.slice(start + wanted.length)
}

/** The topics that the filters of a name can bring: `+` and `#` stand for what MQTT has them stand for, or more. */
export function filterTopics(name: Pattern | undefined): Pattern | undefined {
  if (name === undefined || startsWith(name, '$share/')) return undefined
  return name.flatMap((token, index) => {
    if (isCharacter(token, '+') || isCharacter(token, '#')) return [run]
    // `a/#` brings `a` as well.
    const isBeforeAll = isCharacter(token, '/') && isCharacter(name[index + 1], '#')
    return isBeforeAll ? [] : [token]
  })
}

function startsWith(name: Pattern, text: string): boolean {
  return [...text].every((character, index) => isCharacter(name[index], character))
}

function isCharacter(token: Token | undefined, value: string): boolean {
  return token?.kind === 'character' && token.value === value
}
