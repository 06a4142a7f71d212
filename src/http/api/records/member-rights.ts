import { type Role, roles } from '../../../access/principal.ts'
import { certificateMembers, issuedMembers } from '../issuances/schemas.ts'
import {
  commonMembers,
  intentMembers,
  noteMembers,
  outcomeMember,
  purgeWords,
  refusalMembers,
  soundnessMembers,
  voidMembers,
  voidWords
} from './request-members.ts'
import { holdWords, pushMembers, releaseWords, revocationWords, scrapWords, sinceMembers } from './since.ts'

/** Who reads records at all. */
const readers = ['station', 'auditor', 'operator', 'admin'] as const satisfies readonly Role[]

/** Who is told who of the plant decided something, and why in their words. A station gets on with the fact and its time. */
const people = ['auditor', 'operator', 'admin'] as const satisfies readonly Role[]

const told = {
  ...outcomeMember,
  ...commonMembers,
  ...certificateMembers,
  ...issuedMembers,
  ...intentMembers,
  ...soundnessMembers,
  ...refusalMembers,
  ...sinceMembers,
  ...voidMembers,
  ...noteMembers
}

const toldToPeople = {
  ...releaseWords,
  ...holdWords,
  ...scrapWords,
  ...revocationWords,
  ...pushMembers,
  ...voidWords,
  ...purgeWords
}

/** By the groups of the schemas which members of a record are shown to whom. What is in none is shown to nobody. */
const rightsOfMembers: Readonly<Record<string, readonly Role[]>> = {
  ...rightsTo(told, readers),
  ...rightsTo(toldToPeople, people)
}

function rightsTo(members: object, those: readonly Role[]) {
  return Object.fromEntries(Object.keys(members).map(member => [member, those]))
}

/** The members that there are rights to. @internal `npm run openapi` writes them into docs/access.md. */
export const membersWithRights: readonly string[] = Object.keys(rightsOfMembers)

/** Who sees that member of a record. */
export function readersOfMember(member: string): readonly Role[] {
  const those = Object.hasOwn(rightsOfMembers, member) ? rightsOfMembers[member]! : []
  return roles.filter(role => those.includes(role))
}

/** Whether a record shows it that member. */
export function maySeeMember({ role }: { readonly role: Role }, member: string): boolean {
  return readersOfMember(member).includes(role)
}

/** For the description of `fields`. */
export const hiddenTold = `A station is not shown ${Object.keys(toldToPeople)
  .map(member => `\`${member}\``)
  .join(', ')}.`
