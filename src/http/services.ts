import type { Registry } from 'prom-client'
import type { ClientCertificates } from '../access/client-certificate/client-certificates.ts'
import type { Principal } from '../access/principal.ts'
import type { RefusedAccesses } from '../access/refused/refused-access.ts'
import type { NewToken, Rotation, TokenRequest, TokenView } from '../access/token/token.ts'
import type { Act } from '../audit/audit-event.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuthorityAdministration } from '../authorities/administration.ts'
import type { AuthorityRegister } from '../authorities/register.ts'
import type { LoginPermits } from '../authorities/token-logins/permits.ts'
import type { CleanUps } from '../aws/fleet/clean-ups/clean-up.ts'
import type { Fleet } from '../aws/fleet/reading/fleet.ts'
import type { Reconciliations } from '../aws/fleet/reconciliation.ts'
import type { Pushes } from '../aws/push/reading/pushes.ts'
import type { Registrations } from '../aws/registrations/registration.ts'
import type { ClockTrust } from '../clock/clock-trust.ts'
import type { MintlineError } from '../errors/mintline-error.ts'
import type { Events } from '../events/events.ts'
import type { Exports } from '../exports/exports.ts'
import type { BlockedKeys } from '../factory/blocked-keys/blocked-keys.ts'
import type { DeviceLists } from '../factory/lots/devices/list/device-list.ts'
import type { Lots } from '../factory/lots/lot.ts'
import type { Stations } from '../factory/stations/station.ts'
import type { Releasing } from '../issuance/ends/releasing.ts'
import type { Scrapping } from '../issuance/ends/scrapping.ts'
import type { Voiding } from '../issuance/ends/voiding.ts'
import type { LotClosing } from '../issuance/lots/closing.ts'
import type { PreviewRequest, PreviewResult } from '../issuance/preview.ts'
import type { Disclosures } from '../issuance/refusals/disclosures/disclosure.ts'
import type { IssuanceRequest, IssuanceResult } from '../issuance/request.ts'
import type { Job, JobQuery } from '../jobs/job.ts'
import type { AskReadiness } from '../monitoring/readiness.ts'
import type { PostedProfile } from '../profiles/profile.ts'
import type { ProfileRequest } from '../profiles/request.ts'
import type { ProfileVersion } from '../profiles/version.ts'
import type { Counting } from '../records/counts/count.ts'
import type { Purging } from '../records/purge/purge.ts'
import type { IssuanceQuery, IssuanceRecord } from '../records/record.ts'
import type { IssuanceList } from '../records/records.ts'
import type { RefusalCounts } from '../records/refusal-counts/refusal-count.ts'
import type { Reports } from '../records/reports/report.ts'
import type { Compromises } from '../revocation/compromise/compromise.ts'
import type { RevocationOrders } from '../revocation/orders/orders.ts'
import type { Revocation } from '../revocation/revocation.ts'
import type { IdentifierRange } from '../sources/identifier.ts'
import type { Page, PageQuery } from '../sources/page.ts'
import type { Site } from '../sources/site/shifts.ts'
import type { StationProfiles } from '../station-certificates/profile/station-profile.ts'
import type { StationCertifying } from '../station-certificates/station-certificate.ts'
import type { Crls } from '../status/crl/crls.ts'
import type { Ocsp } from '../status/ocsp/ocsp.ts'
import type { CertificateProxies } from './authentication/proxies.ts'
import type { ServerSettings } from './connections/server.ts'

/** All that the HTTP layer needs of the rest. Every method rejects with a MintlineError. */
export interface HttpServices {
  readonly issuance: {
    issue(request: IssuanceRequest): Promise<IssuanceResult>
  }
  readonly records: {
    /** @throws MintlineError `issuance_not_found`, `record_detached` */
    find(id: string): Promise<IssuanceRecord>
    list(query: IssuanceQuery): Promise<IssuanceList>
    listDetached(range: IdentifierRange): Promise<readonly string[]>
  }
  readonly refusalCounts: RefusalCounts
  readonly counting: Counting
  readonly reports: Reports
  readonly site: Site
  readonly auditLog: AuditLog
  readonly exports: Exports
  readonly refusedAccesses: Pick<RefusedAccesses, 'note'>
  readonly voiding: Voiding
  readonly releasing: Releasing
  readonly scrapping: Scrapping
  readonly purging: Purging
  readonly revocation: Revocation
  readonly revocationOrders: RevocationOrders
  readonly compromises: Compromises
  readonly ocsp: Pick<Ocsp, 'answer'>
  readonly crls: Pick<Crls, 'find' | 'findDelta'>
  readonly disclosures: Disclosures
  readonly blockedKeys: Pick<BlockedKeys, 'block' | 'describe' | 'list'>
  readonly profiles: {
    /** @throws MintlineError `profile_invalid` */
    post(request: ProfileRequest, act: Act): Promise<PostedProfile>
    /** @throws MintlineError `profile_not_found`, `profile_invalid` */
    revert(name: string, version: number | undefined, act: Act): Promise<PostedProfile>
    /** The newest version of each. */
    listPage(query: PageQuery): Promise<Page<ProfileVersion>>
    /** The newest version unless one is named. @throws MintlineError `profile_not_found` */
    find(name: string, version?: number): Promise<ProfileVersion>
    /** @throws MintlineError `profile_not_found` */
    versions(name: string, query: PageQuery): Promise<Page<ProfileVersion>>
  }
  readonly tokens: {
    /** @param options `afresh`: not from memory. @throws MintlineError `token_invalid` */
    authenticate(bearerToken: string, options?: { readonly afresh?: boolean }): Promise<Principal>
    create(request: TokenRequest, act: Act): Promise<NewToken>
    rotate(id: string, rotation: Rotation, act: Act): Promise<NewToken>
    /** @throws MintlineError `token_not_found` */
    find(id: string): Promise<TokenView>
    list(query: PageQuery): Promise<Page<TokenView>>
    /** @throws MintlineError `token_not_found` */
    revoke(id: string, act: Act): Promise<void>
  }
  /** Undefined: none is looked at. */
  readonly clientCertificates?: ClientCertificates | undefined
  readonly stations: Stations
  readonly stationProfiles: StationProfiles
  readonly stationCertifying: StationCertifying
  readonly lots: Omit<Lots, 'end'>
  readonly deviceLists: Omit<DeviceLists, 'prepare'>
  readonly lotClosing: LotClosing
  readonly loginPermits: LoginPermits
  readonly authorities: AuthorityAdministration & AuthorityRegister
  readonly awsRegistrations: Omit<Registrations, 'registrationGaps'>
  readonly fleet: Omit<Fleet, 'examine'>
  readonly reconciliations: Reconciliations
  readonly cleanUps: CleanUps
  readonly awsPushes: Pick<Pushes, 'list' | 'listOf' | 'countOf'>
  readonly preview: {
    /** @throws MintlineError what an issuance would refuse the same CSR with */
    preview(request: PreviewRequest): Promise<PreviewResult>
  }
  readonly jobs: {
    /** @throws MintlineError `job_not_found` */
    find(id: string): Promise<Job>
    /** Newest first. @throws MintlineError `job_not_found` when `after` is not there any more */
    list(query: JobQuery): Promise<Page<Job>>
  }
  readonly events: Omit<Events, 'examine'>
  readonly clock: Pick<ClockTrust, 'accept'>
  readonly readiness: AskReadiness
  readonly metrics: Registry
  /** Adds to an error what is known of its cause. */
  readonly explain: (error: MintlineError) => MintlineError
}

export interface HttpSettings extends ServerSettings {
  readonly bodyLimitBytes: number
  /** Requests that may wait for their turn. */
  readonly maximumWaiting: number
  /** By whom, and by which header, certificates of clients may be handed on. */
  readonly certificateProxies?: CertificateProxies | undefined
  /** Of a station that has no limit of its own; without it, there is none. */
  readonly stationRequestsPerMinute?: number | undefined
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** Where the log goes, one JSON object a line. Standard output unless given. */
  readonly logStream?: { write(line: string): void }
  /** Mintline's own version, as the OpenAPI description shows it. */
  readonly version: string
}
