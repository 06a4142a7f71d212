import { AuditEventPage, AuditEventResource } from '../api/audit-events/schemas.ts'
import { AuthorityCompromise, UnprovisionedPage } from '../api/authorities/compromise/schemas.ts'
import {
  AuthorityGeneration,
  AuthorityList,
  CrossCertificate,
  OpenCertificateIntent,
  RotationPlan
} from '../api/authorities/schemas.ts'
import { AwsPush, AwsPushCounts, AwsPushPage } from '../api/aws-pushes/schemas.ts'
import {
  AwsRegistration,
  AwsRegistrationList,
  AwsRegistrationSummary,
  PostedAwsRegistration
} from '../api/aws-registrations/schemas.ts'
import { BatchLine, BatchSummary } from '../api/batch/schemas.ts'
import { BlockedKey, BlockedKeyPage } from '../api/blocked-keys/schemas.ts'
import { ClockState } from '../api/clock/schemas.ts'
import { IssuanceSummary } from '../api/counts/schemas.ts'
import { DeliveryStatus, SetAsideEvent, SetAsideEventPage } from '../api/events/schemas.ts'
import { ExportPage, ExportResource } from '../api/exports/schemas.ts'
import { FleetAcknowledged } from '../api/fleet/acknowledging/schemas.ts'
import { FleetCleanUp, FleetCleanUpCount, FleetCleanUpPage } from '../api/fleet/clean-ups/schemas.ts'
import {
  FleetFinding,
  FleetFindingPage,
  FleetReconciliation,
  FleetReconciliationPage,
  FleetSummary
} from '../api/fleet/schemas.ts'
import { Health, Readiness } from '../api/health/schemas.ts'
import { CsrNote, Issuance, Thing } from '../api/issuances/schemas.ts'
import { Job, JobPage } from '../api/jobs/schemas.ts'
import {
  ExpectedDevice,
  ExpectedDevicePage,
  LotDevice,
  LotDevices,
  LotUpload
} from '../api/lots/devices/schemas.ts'
import { ClosedLot, JwkSet, LotList, LotProgressResource, LotResource } from '../api/lots/schemas.ts'
import { Preview } from '../api/preview/schemas.ts'
import {
  PostedProfile,
  Profile,
  ProfileList,
  SharedProfileDocument,
  SharedProfileRequest
} from '../api/profiles/schemas.ts'
import {
  IssuanceEntry,
  IssuancePage,
  IssuanceSelection,
  IssuedEntry,
  RejectedEntry,
  UnknownEntry,
  VoidEntry
} from '../api/records/schemas.ts'
import { RefusalCountPage } from '../api/refusal-counts/schemas.ts'
import { RecordReport } from '../api/reports/schemas.ts'
import { RevocationCount, RevocationOrder, RevocationOrderPage } from '../api/revocations/order-schemas.ts'
import { RevocationAnswer } from '../api/revocations/schemas.ts'
import { OwnCertificate } from '../api/self/certificate-schemas.ts'
import { Self } from '../api/self/schemas.ts'
import { StationProfileResource } from '../api/station-profile/schemas.ts'
import {
  StationCertificateList,
  StationCertificateResource,
  StationList,
  StationReportResource,
  StationResource
} from '../api/stations/schemas.ts'
import { LoginPermit } from '../api/token-logins/schemas.ts'
import { NewToken, Token, TokenList } from '../api/tokens/schemas.ts'
import { Problem, Violation } from './problem.ts'

/** The schemas that have a name in the API description. */
export const sharedSchemas = [
  Violation,
  Problem,
  ClockState,
  Thing,
  CsrNote,
  Issuance,
  BatchLine,
  BatchSummary,
  IssuedEntry,
  RejectedEntry,
  UnknownEntry,
  VoidEntry,
  IssuanceEntry,
  IssuanceSelection,
  IssuancePage,
  IssuanceSummary,
  RecordReport,
  RevocationAnswer,
  RevocationCount,
  RevocationOrder,
  RevocationOrderPage,
  AuthorityCompromise,
  UnprovisionedPage,
  AwsPushCounts,
  AwsPush,
  AwsPushPage,
  FleetReconciliation,
  FleetReconciliationPage,
  FleetSummary,
  FleetFinding,
  FleetFindingPage,
  FleetAcknowledged,
  FleetCleanUp,
  FleetCleanUpPage,
  FleetCleanUpCount,
  RefusalCountPage,
  AuditEventResource,
  AuditEventPage,
  ExportResource,
  ExportPage,
  LotResource,
  LotProgressResource,
  LotList,
  ClosedLot,
  LotDevice,
  LotDevices,
  LotUpload,
  ExpectedDevice,
  ExpectedDevicePage,
  JwkSet,
  SharedProfileRequest,
  SharedProfileDocument,
  Profile,
  PostedProfile,
  ProfileList,
  AuthorityGeneration,
  OpenCertificateIntent,
  AuthorityList,
  RotationPlan,
  CrossCertificate,
  AwsRegistration,
  PostedAwsRegistration,
  AwsRegistrationSummary,
  AwsRegistrationList,
  Preview,
  BlockedKey,
  BlockedKeyPage,
  Token,
  StationResource,
  StationReportResource,
  StationList,
  StationCertificateResource,
  StationCertificateList,
  StationProfileResource,
  OwnCertificate,
  Self,
  LoginPermit,
  NewToken,
  TokenList,
  Job,
  JobPage,
  DeliveryStatus,
  SetAsideEvent,
  SetAsideEventPage,
  Health,
  Readiness
]
