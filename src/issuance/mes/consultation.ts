import { MintlineError } from '../../errors/mintline-error.ts'
import type { MesAnswer } from '../../mes/answer.ts'
import type { Mes } from '../../mes/mes.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { maximumMetadataEntries, type Metadata } from '../../records/metadata.ts'
import type { Intent, MesConsent } from '../../records/record-model.ts'
import type { Clock } from '../../sources/clock.ts'
import type { Draft } from '../draft.ts'
import { findServed, type ServedDependencies } from '../earlier/earlier.ts'
import type { IssuanceRequest, IssuanceResult, Progress } from '../request.ts'

export interface ConsultationDependencies extends ServedDependencies {
  readonly mes: Pick<Mes, 'ask'>
  readonly clock: Clock
}

/** What goes on record of it, or what the same request got before: nobody is asked of that again. */
type Consulted = Pick<Intent, 'mes' | 'metadata'> | { readonly served: IssuanceResult }

/**
 * Of one request: has the MES of its profile say whether the device may be certified. A verdict counts for this request
 * alone, and for the version of the profile and the lot that were asked about.
 *
 * @returns undefined when it was asked right now: what was drafted is of before, and is to be drafted anew.
 * @throws MintlineError `mes_denied`, `mes_unavailable`, `overloaded`; and what was served before is not handed out for.
 */
export type Consult = (draft: Draft, lot: string | undefined) => Promise<Consulted | undefined>

export function createConsultation(dependencies: ConsultationDependencies, progress: Progress): Consult {
  const { mes, clock } = dependencies
  const { request } = progress
  let given: { readonly about: string; readonly consent: MesConsent } | undefined

  return async (draft, lot) => {
    const name = progress.profile?.version.document.mes
    if (name === undefined) return { mes: null, metadata: request.metadata }
    const about = JSON.stringify([draft.intent.profileVersionId, lot])
    if (given?.about === about) return recordOf(given.consent, request)
    // A crash from here to the commit of the intent leaves nothing: the retry asks again.
    const served = await findServed(dependencies, progress)
    if (served !== undefined) return { served }
    const answer = await mes.ask(name, questionOf(draft, { progress, lot }))
    if (answer.verdict === 'deny') throw denied(name, answer)
    given = { about, consent: consentOf(name, answer, { metadata: request.metadata, now: clock() }) }
    return undefined
  }
}

interface Asking {
  readonly progress: Progress
  readonly lot: string | undefined
}

/** docs/mes.md has each member. */
function questionOf({ intent, tbs, prediction }: Draft, { progress, lot }: Asking) {
  const { request, profile, authority } = progress
  const { station, metadata, requestId } = request
  const { name, version } = profile!.version
  return {
    requestId,
    profile: name,
    profileVersion: version,
    authority: authority!.name,
    subject: tbs.subject,
    thing: prediction.thing,
    spkiSha256: toHex(intent.spkiSha256),
    station: station.name,
    line: station.station?.line ?? null,
    site: station.station?.site ?? null,
    lot: lot ?? null,
    metadata
  }
}

function consentOf(
  name: string,
  { message, metadata = {} }: MesAnswer,
  { metadata: sent, now }: { readonly metadata: Metadata; readonly now: Date }
): MesConsent {
  const differing = Object.keys(metadata).filter(
    key => Object.hasOwn(sent, key) && sent[key] !== metadata[key]
  )
  const replaced = Object.fromEntries(differing.map(key => [key, sent[key]!]))
  const { length } = Object.keys({ ...sent, ...metadata })
  if (length > maximumMetadataEntries) throw tooMuchMetadata(name, length)
  return {
    name,
    verdict: 'allow',
    at: now.toISOString(),
    ...(message !== undefined && { message }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(differing.length > 0 && { replaced })
  }
}

/** The MES knows what the station sent, and has the last word. */
function recordOf(consent: MesConsent, { metadata }: IssuanceRequest): Pick<Intent, 'mes' | 'metadata'> {
  return { mes: consent, metadata: { ...metadata, ...consent.metadata } }
}

function denied(name: string, { message }: MesAnswer): MintlineError {
  const why = message === undefined ? 'It does not say why.' : `It says: ${message}`
  return new MintlineError('mes_denied', `The MES ${name} does not let this device be certified. ${why}`, {
    members: { mes: { name, ...(message !== undefined && { message }) } }
  })
}

function tooMuchMetadata(name: string, count: number): MintlineError {
  const detail = `The MES ${name} set metadata that makes ${count} entries with those of the station; a record holds ${maximumMetadataEntries}. Nothing was issued. Tell whoever looks after the MES.`
  return new MintlineError('mes_unavailable', detail)
}
