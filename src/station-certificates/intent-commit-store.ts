import { Prisma } from '../database/generated/client.ts'
import type { BlockedReason } from '../factory/blocked-keys/blocked-key.ts'
import { standingClientCertificate } from '../factory/stations/client-certificates/standing.ts'
import { firstIdentifierOf } from '../sources/identifier.ts'
import { renewAfter, type StationCertificate, type StationCertificateIntent } from './station-certificate.ts'

type Client = Prisma.TransactionClient

const standing = Prisma.raw(standingClientCertificate)

/** A certificate lasts for weeks; who asks more often does not keep what it gets. */
const maximumPerHour = 10
const hourMs = 3_600_000

/**
 * Judges an intent and writes it, in a transaction. Whoever asks for the same station waits for its end, so that counts
 * and the look at earlier ones are exact, on however many processes.
 */
export async function commitIntent(
  client: Client,
  intent: StationCertificateIntent,
  isOpenUsable: (open: StationCertificateIntent) => boolean
) {
  if (!(await isLetIn(client, intent))) return { kind: 'not-let-in' } as const
  const refusal = await findRefusal(client, intent)
  if (refusal !== undefined) return refusal
  const earlier = await findEarlier(client, intent)
  if (earlier?.certificate !== undefined) {
    const { certificate, tbsDer, isCompromised } = earlier
    const isFresh = !isCompromised && intent.createdAt < renewAfter(certificate)
    if (isFresh) return { kind: 'issued', certificate, tbsDer } as const
  }
  const outdated = await findOutdated(client, intent)
  if (outdated !== undefined) return outdated
  if (earlier !== undefined && earlier.certificate === undefined && isOpenUsable(earlier))
    return { kind: 'open', intent: earlier } as const
  const until = await findExhausted(client, intent)
  if (until !== undefined) return { kind: 'exhausted', until } as const
  await insert(client, intent)
  return { kind: 'durable', intent } as const
}

/** As for the intents of devices (`standingCredentials`). The station's row keeps others of it waiting. */
async function isLetIn(
  client: Client,
  { stationId, credential }: StationCertificateIntent
): Promise<boolean> {
  const stations = await client.$queryRaw<unknown[]>`
    SELECT id FROM station WHERE id = ${stationId}::uuid AND enabled AND paused_at IS NULL FOR UPDATE`
  if (stations.length === 0) return false
  const tokens = await client.$queryRaw<unknown[]>`
    SELECT id FROM token
    WHERE id = ${credential}::uuid AND station_id = ${stationId}::uuid AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > clock_timestamp())
    FOR SHARE`
  if (tokens.length > 0) return true
  const certificates = await client.$queryRaw<unknown[]>`
    SELECT client_certificate.id FROM client_certificate JOIN station ON station.id = client_certificate.station_id
    WHERE client_certificate.id = ${credential}::uuid AND station.id = ${stationId}::uuid
      AND ${standing}
    FOR SHARE OF client_certificate`
  return certificates.length > 0
}

interface KeyState {
  readonly blockedReason: BlockedReason | null
  readonly isDevices: boolean
  readonly isOthers: boolean
  readonly isEnded: boolean
}

async function findRefusal(client: Client, { spkiSha256, stationId }: StationCertificateIntent) {
  const key = new Uint8Array(spkiSha256)
  const rows = await client.$queryRaw<KeyState[]>`
    SELECT
      (SELECT reason FROM blocked_key WHERE spki_sha256 = ${key}) AS "blockedReason",
      EXISTS (SELECT FROM certified_key WHERE spki_sha256 = ${key}) AS "isDevices",
      EXISTS (
        SELECT FROM station_key WHERE spki_sha256 = ${key} AND station_id <> ${stationId}::uuid
      ) AS "isOthers",
      EXISTS (
        SELECT FROM station_certificate_intent AS own
        JOIN station_certificate ON station_certificate.intent_id = own.id
        JOIN client_certificate AS held ON held.sha256 = station_certificate.sha256
        WHERE own.spki_sha256 = ${key} AND held.ended_at IS NOT NULL
      ) AS "isEnded"`
  const { blockedReason, isDevices, isOthers, isEnded } = rows[0]!
  if (blockedReason !== null) return { kind: 'blocked', reason: blockedReason } as const
  if (isDevices) return { kind: 'key-refused', why: 'device' } as const
  if (isOthers) return { kind: 'key-refused', why: 'other-station' } as const
  return isEnded ? ({ kind: 'key-refused', why: 'ended' } as const) : undefined
}

async function findOutdated(client: Client, { authorityId, profileVersionId }: StationCertificateIntent) {
  const authorities = await client.$queryRaw<unknown[]>`
    SELECT id FROM authority
    WHERE id = ${authorityId}::uuid AND state = 'active' AND purpose = 'stations'
    FOR SHARE`
  const newest = await client.stationProfileVersion.findFirst({
    orderBy: { version: 'desc' },
    select: { id: true }
  })
  const isCurrent = authorities.length > 0 && newest?.id === profileVersionId
  return isCurrent ? undefined : ({ kind: 'outdated' } as const)
}

/** The newest of the station with this key. */
async function findEarlier(client: Client, { spkiSha256, stationId }: StationCertificateIntent) {
  const row = await client.stationCertificateIntent.findFirst({
    where: { spkiSha256: new Uint8Array(spkiSha256), stationId },
    orderBy: { id: 'desc' },
    include: { certificate: true, authority: { select: { state: true } } }
  })
  if (row === null) return undefined
  const { certificate: own, authority, ...intent } = row
  const { id, serialNumber, authorityId } = intent
  const certificate: StationCertificate | undefined =
    own === null ? undefined : { ...own, id, serialNumber, authorityId }
  return { ...intent, certificate, isCompromised: authority.state === 'compromised' }
}

/** When the first of too many is an hour ago; undefined while there are not as many. */
async function findExhausted(
  client: Client,
  { stationId, createdAt }: StationCertificateIntent
): Promise<Date | undefined> {
  const recent = await client.stationCertificateIntent.findMany({
    where: { stationId, id: { gte: firstIdentifierOf(new Date(createdAt.getTime() - hourMs)) } },
    orderBy: { id: 'desc' },
    take: maximumPerHour,
    select: { createdAt: true }
  })
  const first = recent[maximumPerHour - 1]
  return first && new Date(first.createdAt.getTime() + hourMs)
}

async function insert(client: Client, intent: StationCertificateIntent): Promise<void> {
  const { id: intentId, stationId } = intent
  const [serialNumber, spkiSha256, csrDer, tbsDer] = (
    ['serialNumber', 'spkiSha256', 'csrDer', 'tbsDer'] as const
  ).map(member => new Uint8Array(intent[member])) as Bytes4
  // Only a new one takes the lock that keeps devices' intents waiting.
  if ((await client.stationKey.findUnique({ where: { spkiSha256 } })) === null)
    await client.stationKey.create({ data: { spkiSha256, stationId } })
  await client.stationCertificateIntent.create({
    data: { ...intent, serialNumber, spkiSha256, csrDer, tbsDer }
  })
  await client.certifiedSerial.create({ data: { serialNumber, intentId } })
}

type Bytes = Uint8Array<ArrayBuffer>
type Bytes4 = [Bytes, Bytes, Bytes, Bytes]
