import { auditActs, isAuditAct } from '../../../audit/audit-act.ts'
import type { AuditQuery } from '../../../audit/audit-log.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { parseInstantIn, parseRange } from '../../listing/times.ts'

type Asked = Omit<AuditQuery, 'from' | 'to' | 'limit'> & {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly zone?: string | undefined
}

/**
 * What administrative acts are looked up by.
 *
 * @throws MintlineError `request_invalid` for a time that cannot be used, for a range without any time, and for an act that
 * there is none of: no events would be taken for nothing done.
 */
export function buildAuditConditions({ from, to, zone, ...asked }: Asked): Omit<AuditQuery, 'limit'> {
  if (asked.act !== undefined) assertAct(asked.act)
  return { ...asked, ...parseRange({ from, to }, parseInstantIn(zone)) }
}

/** Or a beginning of some (`lot.*`). */
function assertAct(act: string): void {
  const isOfSome = act.endsWith('*') && auditActs.some(each => each.startsWith(act.slice(0, -1)))
  if (isOfSome || isAuditAct(act)) return
  throw new MintlineError('request_invalid', `There is no administrative act ${act}.`, {
    violations: [
      {
        pointer: '/query/act',
        expected: `one of ${auditActs.join(', ')}; or the beginning of some, with "*" at its end`,
        found: act,
        message: 'Take one of these, as it is written there, or leave "act" out.'
      }
    ]
  })
}
