import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { attributeOid } from '../../pki/name/attribute-type.ts'
import { type Subject, type SubjectField, subjectFields } from '../../pki/name/subject-field.ts'
import type { ProfileDocument } from '../document.ts'

interface StationPolicy {
  readonly stationFields: ReadonlySet<SubjectField>
}

/** @throws MintlineError `subject_refused`, a violation for each field that the station may not set. */
export function assertMaySet({ stationFields }: StationPolicy, stationSubject: Subject): void {
  const violations = subjectFields
    .filter(field => stationSubject[field] !== undefined && !stationFields.has(field))
    .map(field => refuseField(stationFields, field, stationSubject[field]!))
  if (violations.length === 0) return
  const names = violations.map(({ pointer }) => pointer.slice('/subject/'.length)).join(', ')
  const detail = `The profile does not let the station set ${names}. Leave it out of the request's subject, or the administrator adds it to the profile's subjectFromStation.`
  throw new MintlineError('subject_refused', detail, { violations })
}

function refuseField(
  stationFields: StationPolicy['stationFields'],
  field: SubjectField,
  value: string
): Violation {
  const listed = [...stationFields].join(', ')
  return {
    pointer: `/subject/${field}`,
    expected: listed === '' ? 'no subject in the request' : `only ${listed}`,
    found: JSON.stringify(value),
    message:
      listed === ''
        ? 'The profile lets the station set no field of the subject: it is that of the CSR.'
        : `The profile lets the station set ${listed} alone.`
  }
}

/** What to do about a field that is missing, where a station may set it; else nothing. */
export function howToSet(
  { stationFields }: StationPolicy,
  field: SubjectField,
  source: 'csr' | 'station'
): string {
  if (!stationFields.has(field)) return ''
  return source === 'station'
    ? ` Add it to the subject of the request; that of the CSR does not count beside it.`
    : ` The station sets it: "subject": {"${field}": "…"} in the request, or --subject ${field}=… of mintline enroll.`
}

/** What `subjectFromStation` cannot mean. */
export function stationFieldViolations(
  document: ProfileDocument,
  templateFields: ReadonlySet<SubjectField>
): readonly Violation[] {
  const { subjectFromStation, subject } = document
  if (subjectFromStation === undefined) return []
  const dropped = new Set(document.dropAttributes?.map(name => attributeOid(name)))
  const violations = subjectFromStation.flatMap((field, index): readonly Violation[] => {
    const rule = subject[field]?.rule
    const isDropped = dropped.has(attributeOid(field))
    const isOpen =
      rule === 'required' || rule === 'allowed' || (rule === undefined && templateFields.has(field))
    if (isOpen && !isDropped) return []
    const why = isDropped ? 'in dropAttributes' : (rule ?? 'without a rule')
    return [
      {
        pointer: `/subjectFromStation/${index}`,
        expected: 'a field that is required, allowed or declared by the template',
        found: `${field}, which is ${why}`,
        message: `No value of the station could come into the certificate. Give ${field} another rule, or leave it out of the list.`
      }
    ]
  })
  return [...violations, ...unreachableFields(document, templateFields)]
}

/** The station's subject stands in the place of the CSR's: what must be there and nobody could name is refused always. */
function unreachableFields(
  { subjectFromStation = [], subject }: ProfileDocument,
  templateFields: ReadonlySet<SubjectField>
): readonly Violation[] {
  return subjectFields
    .filter(field => {
      const rule = subject[field]?.rule
      const isDemanded = rule === 'required' || (templateFields.has(field) && rule !== 'fixed')
      return isDemanded && !subjectFromStation.includes(field)
    })
    .map(field => ({
      pointer: '/subjectFromStation',
      expected: `${field} among them, or with a fixed value`,
      found: subjectFromStation.join(', '),
      message: `Every certificate carries ${field}. Where the station sets the subject, that of the CSR does not count, so that every such request would be refused.`
    }))
}
