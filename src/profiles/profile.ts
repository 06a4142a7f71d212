import { isDeepStrictEqual } from 'node:util'
import { type Act, type AuditEvent, buildAuditEvent } from '../audit/audit-event.ts'
import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import type { ConstrainedNames } from '../pki/path/name-constraints.ts'
import type { Clock } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import type { Page, PageQuery } from '../sources/page.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import { type CompiledProfile, compileProfile } from './compiled-profile.ts'
import type { ProfileDocument } from './document.ts'
import type { ProfileStore } from './profile-store.ts'
import { completeProfile, type ProfileRequest } from './request.ts'
import { addressWarnings, assertAddressed } from './status-addresses/status-addresses.ts'
import { fitNames, type FittingRules, nameFitViolations } from './subject/name-fit.ts'
import type { ProfileVersion } from './version.ts'

export interface PostedProfile {
  readonly profile: ProfileVersion
  /** False when the document was the newest version already. */
  readonly isNew: boolean
  /** What is legal but may not be meant. */
  readonly warnings: readonly Violation[]
}

export interface Profiles {
  /**
   * Makes the document, completed by the defaults, the newest version of its name. Posting what is newest already
   * changes nothing.
   *
   * @throws MintlineError `profile_invalid` with every mistake at once; pointers go into the document.
   */
  post(request: ProfileRequest, act: Act): Promise<PostedProfile>
  /**
   * Makes an earlier version's document the newest version again; the one before the newest unless one is named.
   *
   * @throws MintlineError `profile_not_found`; `profile_invalid` where there is no earlier version, or where its document
   * would not be taken today.
   */
  revert(name: string, version: number | undefined, act: Act): Promise<PostedProfile>
  /** The newest version of each, by name. */
  list(): Promise<readonly ProfileVersion[]>
  /** As `list`, page by page. */
  listPage(query: PageQuery): Promise<Page<ProfileVersion>>
  /** The newest version unless one is named. @throws MintlineError `profile_not_found`. */
  find(name: string, version?: number): Promise<ProfileVersion>
  /** Newest first. @throws MintlineError `profile_not_found`. */
  versions(name: string, query: PageQuery): Promise<Page<ProfileVersion>>
  /**
   * The newest version as this process knows it, ready for use. It may be out of date by a moment: the commit of
   * an intent says so, and `refresh` brings it up to date.
   *
   * @throws MintlineError `profile_not_found`.
   */
  current(name: string): Promise<CompiledProfile>
  /** One version, ready for use, newest or not. @throws MintlineError `profile_not_found`. */
  compiled(name: string, version: number): Promise<CompiledProfile>
  refresh(): Promise<void>
}

/** How a version came about. */
interface ProfileAct extends Act {
  readonly act: 'profile.post' | 'profile.revert'
}

interface Constraining {
  readonly name: string
  readonly constrained: readonly ConstrainedNames[]
}

export interface ProfileDependencies {
  readonly store: ProfileStore
  /** For whom an authority line signs; undefined where there is none of that name. */
  readonly findLinePurpose: (line: string) => Promise<'devices' | 'stations' | undefined>
  /** Whether the settings name such a manufacturing execution system. */
  readonly hasMes: (name: string) => boolean
  /** Of the service, for relying parties; undefined where it has none. */
  readonly publicUrl: string | undefined
  /** Where no active CA of the profile's line lives as long as its certificates are to. */
  readonly lifetimeWarnings: (document: ProfileDocument) => readonly Violation[]
  /** The active generation of a line, and what it and the CAs above it say of names. */
  readonly findConstraints: (line: string) => Constraining | undefined
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createProfiles(dependencies: ProfileDependencies): Profiles {
  const { store, findLinePurpose, hasMes, publicUrl, lifetimeWarnings, findConstraints } = dependencies
  const compiled = new Map<string, CompiledProfile>()

  async function put(document: ProfileDocument, act: ProfileAct): Promise<PostedProfile> {
    const rules = compileProfile(document)
    const purpose = await findLinePurpose(document.authority)
    if (purpose !== 'devices') throw unusableAuthority(document, purpose)
    if (document.mes !== undefined && !hasMes(document.mes)) throw unknownMes(document.mes)
    assertAddressed(document, publicUrl)
    const nameWarnings = judgeNames({ ...rules, document }, findConstraints(document.authority))
    const { profile, isNew } = await insertNext(dependencies, { document, ...rules }, act)
    compiled.set(profile.name, { version: profile, ...rules })
    const surrounding = [
      ...nameWarnings,
      ...lifetimeWarnings(document),
      ...addressWarnings(document, publicUrl)
    ]
    return { profile, isNew, warnings: [...rules.warnings, ...surrounding] }
  }

  return {
    post: (request, act) => put(completeProfile(request), { ...act, act: 'profile.post' }),
    async revert(name, version, act) {
      const newest = (await store.findNewest(name)) ?? refuseUnknown(name)
      const wanted = version ?? newest.version - 1
      if (wanted < 1 || wanted >= newest.version) throw notEarlier(newest, version)
      const { document } = (await store.find(name, wanted)) ?? refuseUnknown(`${name} version ${wanted}`)
      return put(document, { ...act, act: 'profile.revert' })
    },
    list: () => store.listNewest(),
    async find(name, version) {
      const found = await (version === undefined ? store.findNewest(name) : store.find(name, version))
      return found ?? refuseUnknown(version === undefined ? name : `${name} version ${version}`)
    },
    listPage: query => store.pageOfNewest(query),
    versions: (name, query) => readVersions(store, name, query),
    async current(name) {
      const known = compiled.get(name)
      if (known !== undefined) return known
      const version = (await store.findNewest(name)) ?? refuseUnknown(name)
      const profile = { version, ...compileProfile(version.document) }
      compiled.set(name, profile)
      return profile
    },
    async compiled(name, number) {
      const version = (await store.find(name, number)) ?? refuseUnknown(`${name} version ${number}`)
      return { version, ...compileProfile(version.document) }
    },
    refresh: async () => compiled.clear()
  }
}

async function insertNext(
  { store, clock, randomBytes }: Pick<ProfileDependencies, 'store' | 'clock' | 'randomBytes'>,
  { document, templateSha256 }: Pick<ProfileVersion, 'document' | 'templateSha256'>,
  act: ProfileAct
): Promise<{ profile: ProfileVersion; isNew: boolean }> {
  for (;;) {
    const newest = await store.findNewest(document.name)
    if (newest !== undefined && isDeepStrictEqual(newest.document, document)) {
      return { profile: newest, isNew: false }
    }
    const createdAt = clock()
    const profile = {
      id: newId(createdAt, randomBytes),
      name: document.name,
      version: (newest?.version ?? 0) + 1,
      document,
      templateSha256,
      createdAt,
      createdBy: act.actor
    }
    // Lost to another administrator's post of the same name: theirs is the version before ours then.
    if (await store.insert(profile, eventOf(profile, newest, { act, randomBytes })))
      return { profile, isNew: true }
  }
}

/** @returns warnings. @throws MintlineError `profile_invalid` where no subject could lie inside. */
function judgeNames(rules: FittingRules, constraining: Constraining | undefined): readonly Violation[] {
  if (constraining === undefined || constraining.constrained.length === 0) return []
  const { name, constrained } = constraining
  const { violations, warnings } = nameFitViolations(fitNames(rules, constrained), name)
  if (violations.length === 0) return warnings
  throw new MintlineError(
    'profile_invalid',
    `No certificate of the profile could be verified below ${name}.`,
    {
      violations
    }
  )
}

/** The page after the last one is empty; a profile that does not exist is refused. */
async function readVersions(
  store: ProfileStore,
  name: string,
  query: PageQuery
): Promise<Page<ProfileVersion>> {
  const page = await store.pageOfVersions(name, query)
  if (page.items.length === 0 && (await store.findNewest(name)) === undefined) refuseUnknown(name)
  return page
}

function eventOf(
  profile: ProfileVersion,
  newest: ProfileVersion | undefined,
  { act, randomBytes }: { readonly act: ProfileAct; readonly randomBytes: RandomBytes }
): AuditEvent {
  const { name, version, createdAt: time } = profile
  const subject = `profile/${name}/${version}`
  const before = newest && toldOf(newest)
  return buildAuditEvent({ ...act, subject, before, after: toldOf(profile) }, { time, randomBytes })
}

function toldOf({ version, document }: ProfileVersion): object {
  return { version, ...document }
}

function notEarlier({ name, version }: ProfileVersion, asked: number | undefined): MintlineError {
  const expected = version === 1 ? 'a profile with an earlier version' : `a version from 1 to ${version - 1}`
  const found = asked === undefined ? 'version 1 alone' : `version ${asked}`
  const message = `The newest version of ${name} is ${version}. GET /v1/profiles/${name}/versions lists all.`
  return new MintlineError('profile_invalid', `${name} cannot go back to ${found}.`, {
    violations: [{ pointer: '/version', expected, found, message }]
  })
}

function unusableAuthority({ authority }: ProfileDocument, purpose: string | undefined): MintlineError {
  const isThere = purpose !== undefined
  const violation = {
    pointer: '/authority',
    expected: isThere ? 'the line of an authority for devices' : 'the line of an authority that exists',
    found: isThere ? `${authority}, which signs for ${purpose}` : authority,
    message: isThere ? 'Name another line.' : 'Create the authority first, or correct the name.'
  }
  const detail = isThere
    ? `The authority line ${authority} signs for ${purpose}, and for no device.`
    : `There is no authority line ${authority}.`
  return new MintlineError('profile_invalid', detail, { violations: [violation] })
}

function unknownMes(name: string): MintlineError {
  const violation = {
    pointer: '/mes',
    expected: 'a system that MINTLINE_MES_FILE names',
    found: name,
    message: 'Add it to the file and start the service again, or correct the name.'
  }
  return new MintlineError('profile_invalid', `There is no MES ${name}.`, { violations: [violation] })
}

function refuseUnknown(what: string): never {
  throw new MintlineError(
    'profile_not_found',
    `There is no profile ${what}. Ask the administrator for the right name.`
  )
}
