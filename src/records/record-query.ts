import { selectList } from '../database/column.ts'
import { readColumns, refusalColumns } from './record-model.ts'

/** What is read of an issuance, before FROM. */
export const issuanceColumns = `
SELECT
  ${selectList(readColumns.intent, 'intent')},
  ${selectList(readColumns.rules)},
  ${selectList(readColumns.certificate, 'issued')},
  ${selectList(readColumns.end, 'void')},
  ${selectList(readColumns.release, 'release')},
  ${selectList(readColumns.scrap, 'scrap')},
  ${selectList(readColumns.supersession, 'supersession')},
  ${selectList(readColumns.revocation)},
  ${selectList(readColumns.hold)},
  ${selectList(readColumns.succession, 'succession')}`

/** Of `intent`, before `issued` is joined to it, and after. */
export const joinRules = `
LEFT JOIN profile_version ON profile_version.id = intent.profile_version_id
LEFT JOIN authority ON authority.id = intent.authority_id`

export const joinEnds = `
LEFT JOIN void ON void.intent_id = intent.id
LEFT JOIN release ON release.intent_id = intent.id
LEFT JOIN revocation AS scrap ON scrap.intent_id = intent.id AND scrap.cause = 'scrap'
LEFT JOIN revocation AS supersession ON supersession.intent_id = intent.id AND supersession.cause = 'superseded'
LEFT JOIN certificate_status AS status ON status.intent_id = intent.id
LEFT JOIN revocation_act AS status_act ON status_act.id = status.act_id
LEFT JOIN succession ON succession.intent_id = intent.id`

/**
 * Reads `IssuanceRow`s; a WHERE clause may follow. No foreign key holds what an intent names: a row whose rules are gone
 * comes all the same, so that it is told as damaged and not passed over.
 */
export const selectIssuances = `${issuanceColumns} FROM intent ${joinRules}
LEFT JOIN issued ON issued.intent_id = intent.id ${joinEnds}`

/** Reads `StoredRefusal`s; as above. */
export const selectRefusals = `
SELECT ${selectList(refusalColumns, 'refusal')}, ${selectList(readColumns.purge, 'refusal_purge')}
FROM refusal
LEFT JOIN refusal_purge ON refusal_purge.refusal_id = refusal.id`
