import type { MintlineError } from '../../../errors/mintline-error.ts'
import type { KeyFault, KeyFaultKind } from '../../../factory/stations/key-faults/fault.ts'
import { requestDigest } from '../../../records/requested-subject.ts'
import { digestOf, type Progress, subjectAskedFor } from '../../request.ts'

/**
 * What a refusal says against the station's source of random numbers; undefined where it says nothing. A key that somebody
 * else may have is a fault also of a request that does not prove to hold it: the station has sent it.
 */
export function keyFaultOf(
  { code, members }: MintlineError,
  { parsed, request }: Progress
): Omit<KeyFault, 'createdAt'> | undefined {
  const kind = kindOf(code, members)
  if (kind === undefined || parsed === undefined || request.station.station === undefined) return undefined
  const spkiSha256 = digestOf(parsed.spkiDer)
  const { weaknesses = [] } = members as { weaknesses?: readonly string[] }
  return {
    kind,
    // Of no profile: a key is not another one for being tried under several.
    requestSha256: requestDigest(spkiSha256, subjectAskedFor(parsed, request), ''),
    spkiSha256,
    weaknesses,
    lot: request.lot ?? null,
    requestId: request.requestId ?? ''
  }
}

function kindOf(code: string, members: MintlineError['members']): KeyFaultKind | undefined {
  if (code === 'key_refused' && members['weaknesses'] !== undefined) return 'weak_key'
  if (code === 'key_already_certified' && members['otherDevice'] === true) return 'shared_key'
  if (code !== 'key_blocked') return undefined
  if (members['blockedReason'] === 'weak_key') return 'weak_key'
  return members['blockedReason'] === 'duplicate_key' ? 'shared_key' : undefined
}
