import { MintlineError } from '../../errors/mintline-error.ts'
import type { NameAttribute } from '../../pki/name/name.ts'
import { type Subject, type SubjectField, subjectFields } from '../../pki/name/subject-field.ts'

/** As openssl and RFC 4514 write them. */
const shortNames: Readonly<Record<SubjectField, string>> = {
  CommonName: 'CN',
  Organization: 'O',
  OrganizationalUnit: 'OU',
  Country: 'C',
  StateName: 'ST',
  Locality: 'L',
  SerialNumber: 'serialNumber',
  DistinguishedNameQualifier: 'dnQualifier'
}

const allowedNames = Object.values(shortNames)
  .map(name => `${name}=`)
  .join(', ')

/**
 * A subject from text like `CN=Acme Root,O=Acme,C=DE`. The characters , + " ; < > and \ of a value are written with a
 * backslash before them, as in RFC 4514 §2.4. The order does not matter.
 *
 * @throws MintlineError `subject_refused`: a name that is not on the list or is there twice, an empty value, a
 *   special character without its backslash, no CN.
 */
export function parseSubjectText(text: string): Subject {
  const subject: Partial<Record<SubjectField, string>> = {}
  for (const part of splitAtCommas(text)) {
    const [, name = '', written = ''] = /^\s*([A-Za-z]+)\s*=\s*(.*)$/s.exec(part) ?? []
    const field = subjectFields.find(candidate => shortNames[candidate].toLowerCase() === name.toLowerCase())
    if (field === undefined) throw refused(`"${part.trim()}" does not start with one of ${allowedNames}`)
    if (subject[field] !== undefined) throw refused(`${shortNames[field]} is there twice`)
    const value = unescape(written.trimEnd())
    if (value === '') throw refused(`${shortNames[field]} is empty`)
    subject[field] = value
  }
  if (subject.CommonName === undefined) throw refused('there is no CN')
  return subject
}

/** Keeps escapes as they are. */
function splitAtCommas(text: string): readonly string[] {
  const parts = ['']
  for (const [token] of text.matchAll(/\\.|[^\\]|\\$/gsu)) {
    if (token === ',') parts.push('')
    else parts.push(`${parts.pop()}${token}`)
  }
  return parts
}

function unescape(written: string): string {
  return written.replaceAll(/\\[,+";<>\\]|[+";<>\\]/gu, token => {
    if (token.length === 2) return token.slice(1)
    throw refused(`the character ${token} stands alone; a backslash belongs before it`)
  })
}

/** The attributes of a Name in the notation that `parseSubjectText` reads. */
export function formatName(attributes: readonly NameAttribute[]): string {
  return attributes
    .map(({ field, name, value }) => {
      const escaped = value.replaceAll(/[,\\+"<>;]/g, '\\$&')
      return `${field === undefined ? name : shortNames[field]}=${escaped}`
    })
    .join(',')
}

function refused(reason: string): MintlineError {
  return new MintlineError('subject_refused', `The subject cannot be read: ${reason}.`)
}
