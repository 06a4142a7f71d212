import type { Role } from '../../../access/principal.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { chooseFields } from '../../listing/fields.ts'
import { maySeeMember, readersOfMember } from './member-rights.ts'
import { recordFields } from './schemas.ts'

/** Who looks, as far as it decides what is shown. */
export interface Reader {
  readonly role: Role
}

/** The members of records that are not shown to the role. */
export function hiddenFrom(reader: Reader): ReadonlySet<string> {
  return new Set(recordFields.filter(member => !maySeeMember(reader, member)))
}

/**
 * As `chooseFields`, of records.
 *
 * @throws MintlineError `request_invalid` also for a member that the role is not shown.
 */
export function chooseRecordFields(asked: string | undefined, reader: Reader): readonly string[] | undefined {
  const fields = chooseFields(asked, recordFields)
  assertShown(fields, reader, () => '/query/fields')
  return fields
}

/**
 * @param pointerOf where the member of that name was asked for.
 * @throws MintlineError `request_invalid`.
 */
export function assertShown(
  fields: readonly string[] | undefined,
  reader: Reader,
  pointerOf: (name: string) => string
): void {
  const hidden = hiddenFrom(reader)
  const violations = (fields ?? [])
    .filter(name => hidden.has(name))
    .map(name => ({
      pointer: pointerOf(name),
      expected: recordFields.filter(each => !hidden.has(each)).join(' | '),
      found: name,
      message: `${name} is shown to ${readersOfMember(name).join(', ')} alone. Leave it out.`
    }))
  if (violations.length === 0) return
  throw new MintlineError('request_invalid', `fields names what the role ${reader.role} is not shown.`, {
    violations
  })
}
