import {
  AuthorityGeneration,
  AuthorityList,
  CrossCertificate,
  OpenCertificateIntent,
  RotationPlan
} from './authority.ts'
import { AwsRegistration, AwsRegistrationList, AwsRegistrationSummary } from './aws-registration.ts'
import { Health, Readiness } from './health.ts'
import { IssuanceEntry, IssuancePage, IssuedEntry, RejectedEntry, UnknownEntry } from './issuance-entry.ts'
import { Issuance, Thing } from './issuance.ts'
import { Job, JobPage } from './job.ts'
import { Preview } from './preview.ts'
import { Problem, Violation } from './problem.ts'
import { PostedProfile, Profile, ProfileList, SharedProfileDocument } from './profile.ts'
import { NewToken, Token, TokenList } from './token.ts'

/** The schemas that have a name in the API description. */
export const sharedSchemas = [
  Violation,
  Problem,
  Thing,
  Issuance,
  IssuedEntry,
  RejectedEntry,
  UnknownEntry,
  IssuanceEntry,
  IssuancePage,
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
  AwsRegistrationSummary,
  AwsRegistrationList,
  Preview,
  Token,
  NewToken,
  TokenList,
  Job,
  JobPage,
  Health,
  Readiness
]
