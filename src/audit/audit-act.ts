/**
 * Every act that is on record, by the name that it keeps for ever: the noun and what was done to it. docs/audit.md says what
 * each means. A name is part of the API: there may be more, and none goes.
 */
export const auditActs = [
  'access.refuse',
  'act.refuse',
  'authority.active',
  'authority.compromised',
  'authority.create',
  'authority.cross-sign',
  'authority.import',
  'authority.retired',
  'authority.retiring',
  'authority.staged',
  'aws_push.appeared',
  'aws_push.drifted',
  'aws_registration.blocked',
  'aws_registration.check',
  'aws_registration.drifted',
  'aws_registration.failed',
  'aws_registration.post',
  'aws_registration.registered',
  'aws_registration.sync',
  'certificate.expiring',
  'clock.accept',
  'event.deliver',
  'export.create',
  'export.delete',
  'export.read',
  'fleet.acknowledge',
  'fleet.alarm',
  'fleet.clean_up',
  'fleet.clean_up_finish',
  'fleet.finish',
  'fleet.reconcile',
  'issuance.hold',
  'issuance.release',
  'issuance.revoke',
  'issuance.scrap',
  'issuance.unhold',
  'issuance.void',
  'key.block',
  'key.disclose',
  'key.expose',
  'lot.change',
  'lot.close',
  'lot.create',
  'lot.devices',
  'lot.flag',
  'lot.pause',
  'lot.resume',
  'month.attach',
  'month.detach',
  'profile.post',
  'profile.revert',
  'refusal.purge',
  'revocation.finish',
  'revocation.place',
  'search.rebuild',
  'sign-in.refuse',
  'starter.create',
  'station.certificate-end',
  'station.certify',
  'station.change',
  'station.create',
  'station.pause',
  'station.resume',
  'station_profile.put',
  'token-login.permit',
  'token.create',
  'token.revoke',
  'token.rotate',
  'webhook.deliver'
] as const

export type AuditAct = (typeof auditActs)[number]

/** What was done to a noun: `post` of `profile`. */
export type VerbOf<Noun extends string> = AuditAct extends infer Each
  ? Each extends `${Noun}.${infer Verb}`
    ? Verb
    : never
  : never

export function isAuditAct(name: string): name is AuditAct {
  return (auditActs as readonly string[]).includes(name)
}
