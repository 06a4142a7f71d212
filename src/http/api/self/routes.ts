import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { hasToken, type Principal, roles, type StationPrincipal } from '../../../access/principal.ts'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import { stateAt } from '../../../factory/lots/lot.ts'
import { allProfiles, isProfileAllowed } from '../../../factory/stations/station.ts'
import type { Readiness } from '../../../monitoring/readiness.ts'
import type { ProfileVersion } from '../../../profiles/version.ts'
import { limitHeader } from '../../fairness/request-limits.ts'
import { principalOf } from '../../plugins/access.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { viewStanding } from './certificate-routes.ts'
import { maximumListedLots, maximumListedProfiles, Self } from './schemas.ts'

const getSelf = {
  operationId: 'getSelf',
  tags: ['Stations'],
  summary: 'Ask who you are, and whether you could work now',
  description:
    'For the start of a shift: the station, the profiles that it may use, when its token or client certificate ends, and whether the lines that sign for it could. Nothing is issued and nothing is taken of what the station may make; it counts as one request.',
  response: {
    200: {
      description: 'What the token, or the client certificate, is good for.',
      content: jsonContent(Self)
    }
  }
}

/** What a station asks of itself before it asks for certificates. */
export const selfRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  app.get(
    '/v1/self',
    { config: { access: [...roles], heedsLines: true, heedsStation: true }, schema: getSelf },
    async (request, reply): Promise<Self> => {
      const principal = principalOf(request)
      const { role, name, lines, subject } = principal
      const limit = reply.getHeader(limitHeader)
      return {
        role,
        name,
        ...(lines !== undefined && { lines: [...lines] }),
        ...(hasToken(principal) && (await describeCredential(services, principal))),
        ...(hasToken(principal) && role === 'station' && (await findStanding(services, principal))),
        ...(subject !== undefined && { subject }),
        ...(principal.station && {
          station: {
            ...placeOf(principal.station),
            ...(typeof limit === 'number' && { requestsPerMinute: limit }),
            ...(await judge(services, principal.station)),
            lots: await listLots(services, name)
          }
        })
      }
    }
  )
}

async function describeCredential({ tokens }: HttpServices, { tokenId, certificate }: StationPrincipal) {
  if (certificate !== undefined) {
    const { subject, notAfter } = certificate
    return { clientCertificate: { id: tokenId, subject, expiresAt: notAfter.toISOString() } }
  }
  const { id, name, expiresAt } = await tokens.find(tokenId)
  return { credential: { id, name, ...(expiresAt && { expiresAt: expiresAt.toISOString() }) } }
}

async function findStanding({ stationCertifying }: HttpServices, station: StationPrincipal) {
  const standing = await stationCertifying.findStanding(station)
  return standing && { certificate: viewStanding(standing) }
}

async function listLots({ lots, stations }: HttpServices, name: string) {
  const station = await stations.find(name)
  const { items } = await lots.list({ limit: maximumListedLots, state: 'open', station: name })
  const now = new Date()
  return items
    .filter(lot => stateAt(lot, now) === 'open' && isProfileAllowed(station, lot.profile))
    .filter(({ id }) => station.lots.length === 0 || station.lots.includes(id))
    .map(({ id, profile, quantity, taken }) => ({ id, profile, remaining: quantity - taken }))
}

type OwnStation = NonNullable<Principal['station']>

function placeOf({ line, site }: OwnStation) {
  return { ...(line !== null && { line }), ...(site !== null && { site }) }
}

async function judge(services: HttpServices, station: OwnStation) {
  const [versions, { checks }] = await Promise.all([
    listProfiles(services.profiles, station),
    services.readiness()
  ])
  const profiles = versions.map(version => viewProfile(version, checks))
  const reasons = [
    ...[checks.database, checks.clock].filter(({ ok }) => !ok).map(({ detail }) => detail),
    ...(profiles.length === 0 ? ['there is no profile that the station may use'] : []),
    ...new Set(profiles.flatMap(({ reason }) => reason ?? []))
  ]
  return { profiles, ready: reasons.length === 0, reasons }
}

async function listProfiles(
  profiles: HttpServices['profiles'],
  { profiles: names }: OwnStation
): Promise<readonly ProfileVersion[]> {
  if (names.includes(allProfiles)) return (await profiles.listPage({ limit: maximumListedProfiles })).items
  const found = await Promise.all(
    names.slice(0, maximumListedProfiles).map(name =>
      profiles.find(name).catch((error: unknown) => {
        if (isMintlineError(error, 'profile_not_found')) return undefined
        throw error
      })
    )
  )
  return found.filter(each => each !== undefined)
}

function viewProfile({ name, version, document }: ProfileVersion, { lines }: Readiness['checks']) {
  const { authority } = document
  const state = lines.find(each => each.name === authority)
  const ready = state?.ready === true
  const reason = state?.reason ?? `there is no authority line ${authority}`
  return { name, version, authority, ready, ...(!ready && { reason }) }
}
