import { MintlineError, type Violation } from '../../../errors/mintline-error.ts'
import { type CountKey, countKeys, timeUnits } from '../../../records/counts/count.ts'
import { mostKeys } from './schemas.ts'

/** @throws MintlineError `request_invalid`. */
export function parseKeys(text: string): readonly CountKey[] {
  const names = text.split(',').map(name => name.trim())
  const unknown = names.filter(name => !(countKeys as readonly string[]).includes(name))
  if (unknown.length > 0)
    throw refuse(
      unknown.slice(0, 16).map(name => ({
        pointer: '/query/by',
        expected: countKeys.join(' | '),
        found: name.slice(0, 64),
        message: 'Name what records are counted by, with commas between.'
      }))
    )
  const keys = [...new Set(names as CountKey[])]
  const units = keys.filter(key => (timeUnits as readonly string[]).includes(key))
  if (keys.length <= mostKeys && units.length <= 1) return keys
  const expected = `up to ${mostKeys} names, of them at most one of ${timeUnits.join(', ')}`
  throw refuse([{ pointer: '/query/by', expected, found: keys.join(','), message: 'Name fewer.' }])
}

function refuse(violations: readonly Violation[]): MintlineError {
  return new MintlineError('request_invalid', 'The query cannot be used.', { violations })
}
