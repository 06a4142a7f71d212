import type { Self } from '../../http/api/self/schemas.ts'
import type { CommandIo } from '../command.ts'
import type { Connection } from './exchange/connection.ts'
import { exchange, type ExchangeSettings } from './exchange/exchange.ts'
import { exitCodes, type Failure } from './exchange/outcome.ts'
import { describeFailedRequest, viewFailure } from './telling.ts'

interface Check {
  readonly connection: Connection
  readonly exchange: ExchangeSettings
  /** Without it, every profile of the station. */
  readonly profile: string | undefined
  readonly isJson: boolean
  readonly now: Date
}

/** A shift is to end before its token does. */
const warningDays = 7
const dayMs = 86_400_000

/** Asks whether the station could work now, without taking anything. */
export async function checkStation(io: CommandIo, check: Check): Promise<number> {
  const { connection, exchange: settings, isJson } = check
  const headers = { accept: 'application/json' }
  const outcome = await exchange(connection, { method: 'GET', path: '/v1/self', headers }, settings)
  const self = outcome.kind === 'answered' ? readSelf(outcome.body) : outcome
  if ('kind' in self) return fail(io, self, isJson)
  const verdict = judge(self, check.profile)
  if (isJson) io.write(`${JSON.stringify({ exitCode: verdict?.exitCode ?? 0, self })}\n`)
  else io.write(describeSelf(self, check.now))
  if (verdict === undefined) return 0
  io.writeError(`mintline enroll: ${verdict.text}\n`)
  return verdict.exitCode
}

function fail(io: CommandIo, failure: Failure, isJson: boolean): number {
  if (isJson) io.write(`${JSON.stringify(viewFailure(failure))}\n`)
  io.writeError(`mintline enroll: ${describeFailedRequest(failure)}\n`)
  return exitCodes[failure.kind]
}

function readSelf(body: Buffer): Self | Failure {
  try {
    const self = JSON.parse(body.toString()) as Partial<Self> | null
    if (typeof self?.role === 'string' && (self.credential ?? self.clientCertificate) !== undefined)
      return self as Self
  } catch {
    // Told below.
  }
  const detail = 'what answers there is not Mintline. Check --url.'
  return { kind: 'unreachable', detail, isLasting: true }
}

interface Verdict {
  readonly exitCode: number
  readonly text: string
}

/** Undefined where the station could work. */
function judge({ station, role }: Self, profile: string | undefined): Verdict | undefined {
  const { refused, busy } = exitCodes
  if (station === undefined) {
    return { exitCode: refused, text: `refused: the token is of the role ${role}, and not a station's` }
  }
  if (profile === undefined) {
    if (station.ready) return undefined
    return { exitCode: busy, text: `not ready: ${station.reasons.join('; ')}` }
  }
  const own = station.profiles.find(({ name }) => name === profile)
  if (own === undefined) {
    const names = station.profiles.map(({ name }) => name).join(', ')
    return { exitCode: refused, text: `refused: the station may not use ${profile}; it may use ${names}` }
  }
  const others = new Set(station.profiles.map(({ reason }) => reason))
  const common = station.reasons.filter(reason => !others.has(reason))
  const reasons = [...common, ...(own.ready ? [] : [own.reason ?? ''])]
  return reasons.length === 0 ? undefined : { exitCode: busy, text: `not ready: ${reasons.join('; ')}` }
}

function describeSelf(self: Self, now: Date): string {
  const { role, name, credential, clientCertificate, certificate, station } = self
  const { line, site, requestsPerMinute, profiles = [], lots = [] } = station ?? {}
  const place = [line && `line ${line}`, site && `site ${site}`].filter(Boolean).join(', ')
  const states = profiles.map(
    ({ name: profile, version, authority, ready, reason }) =>
      `  profile ${profile}, version ${version}, signed by ${authority}: ${ready ? 'ready' : `not ready: ${reason ?? ''}`}`
  )
  return [
    `${role} ${name}${place === '' ? '' : ` (${place})`}`,
    ...(credential === undefined
      ? []
      : [`  token ${credential.name}: ${describeEnd(credential.expiresAt, now)}`]),
    ...(clientCertificate === undefined
      ? []
      : [`  client certificate ${clientCertificate.subject}: ends ${clientCertificate.expiresAt}`]),
    ...(certificate === undefined
      ? []
      : [`  own certificate: ends ${certificate.notAfter}, to be renewed after ${certificate.renewAfter}`]),
    ...(requestsPerMinute === undefined ? [] : [`  may send ${requestsPerMinute} requests a minute`]),
    ...states,
    ...lots.map(lot => `  lot ${lot.id}, profile ${lot.profile}: ${lot.remaining} places left`),
    ''
  ].join('\n')
}

function describeEnd(expiresAt: string | undefined, now: Date): string {
  if (expiresAt === undefined) return 'does not end'
  const daysLeft = (Date.parse(expiresAt) - now.getTime()) / dayMs
  const soon = daysLeft < warningDays ? '. That is soon: ask the administrator to rotate it' : ''
  return `ends ${expiresAt}${soon}`
}
