import { type Role, roles } from './principal.ts'

/** Who reads records at all. */
const readers = ['station', 'auditor', 'operator', 'admin'] as const satisfies readonly Role[]

/** Who is told who of the plant decided something, and why in their words. A station gets on with the fact and its time. */
const people = ['auditor', 'operator', 'admin'] as const satisfies readonly Role[]

/** Which members of a record are shown to whom. What is not here is shown to nobody. */
const rightsOfMembers: Readonly<Record<string, readonly Role[]>> = {
  ...shownTo(readers, [
    'id',
    'requestedAt',
    'outcome',
    'state',
    'spkiSha256',
    'station',
    'line',
    'site',
    'lot',
    'stationSubject',
    'credential',
    'requestId',
    'metadata',
    'mes',
    'profile',
    'profileVersion',
    'templateSha256',
    'authority',
    'serialNumber',
    'certificateId',
    'subject',
    'notBefore',
    'notAfter',
    'certificatePem',
    'chainPem',
    'issuedAt',
    'thing',
    'notes',
    'csr',
    'csrEncoding',
    'withheld',
    'bodyLength',
    'bodySha256',
    'code',
    'detail',
    'violations',
    'repeats',
    'damaged',
    'damage',
    'compromised',
    'supersedes',
    'supersededAt',
    'successor',
    'endsAt',
    'releasedAt',
    'heldAt',
    'scrappedAt',
    'revokedAt',
    'revocationReason',
    'invalidityDate',
    'voidedAt',
    'purgedAt'
  ]),
  ...shownTo(people, [
    'releasedBy',
    'releaseReason',
    'heldBy',
    'holdNote',
    'scrappedBy',
    'scrapReason',
    'revokedBy',
    'revocationNote',
    'voidedBy',
    'reason',
    'purgedBy',
    'purgeReason'
  ])
}

function shownTo(those: readonly Role[], members: readonly string[]) {
  return Object.fromEntries(members.map(member => [member, those]))
}

/** The members that there are rights to. */
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
