import type { StationPrincipal } from '../../../src/access/principal.ts'
import { isMintlineError, type MintlineError } from '../../../src/errors/mintline-error.ts'
import { createReleaseStore } from '../../../src/issuance/ends/release-store.ts'
import { createReleasing } from '../../../src/issuance/ends/releasing.ts'
import { createScrapStore } from '../../../src/issuance/ends/scrap-store.ts'
import { createScrapping } from '../../../src/issuance/ends/scrapping.ts'
import { createVoidStore } from '../../../src/issuance/ends/void-store.ts'
import { createVoiding } from '../../../src/issuance/ends/voiding.ts'
import type { ProfileDocument } from '../../../src/profiles/document.ts'
import { act, createTestAdministration, selfSigned } from '../../support/authority-administration.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../support/certification-request.ts'
import { type Issuing, type IssuingOptions, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase } from '../../support/test-database.ts'

export type Rules = Pick<ProfileDocument, 'reissue' | 'sameKey' | 'supersededEnds' | 'afterCompromise'>

export type Rework = Awaited<ReturnType<typeof openRework>>

/** A CSR of a device, with a key of its own unless one is given. */
export const device = (name: string, key = makeDeviceKey(), country = 'US') =>
  makeCertificationRequest({ Country: country, CommonName: name }, key)

/** Its things have the names of the devices, so that a device is the same whichever profile it comes by. */
function namedByCommonName(document: ProfileDocument): ProfileDocument {
  const template = JSON.stringify(document.template).replaceAll(
    '"AWS::IoT::Certificate::Country":',
    '"AWS::IoT::Certificate::CommonName":{"Type":"String"},$&'
  )
  const named = template.replace(
    /"ThingName":\{[^}]*\}/,
    '"ThingName":{"Ref":"AWS::IoT::Certificate::CommonName"}'
  )
  return { ...document, template: JSON.parse(named) as Record<string, unknown> }
}

/** Issuing on a database of its own, and who releases, scraps and voids. */
export async function openRework(options: Pick<IssuingOptions, 'clock'> = {}) {
  const test = await createTestDatabase()
  const directory = await createTemporaryDirectory()
  const issuing = await startIssuing(test.database, directory.path, options)
  const { clock, randomBytes } = issuing.core
  const common = { records: issuing.records, profiles: issuing.profiles, clock, randomBytes }
  const releasing = createReleasing({ ...common, store: createReleaseStore(test.database) })
  const scrapping = createScrapping({ ...common, store: createScrapStore(test.database) })
  const voiding = createVoiding({ ...common, store: createVoidStore(test.database) })
  const { administration } = createTestAdministration(test.database, directory.path)
  const document = namedByCommonName((await issuing.profiles.current('starter')).version.document)
  let generation = 1
  return {
    ...test,
    test,
    directory: directory.path,
    issuing,
    prisma: test.database.prisma,
    postProfile: (name: string, rules: Rules) => issuing.profiles.post({ ...document, name, ...rules }, act),
    release: (id: string, reason = 'back for rework') =>
      releasing.release(id, { ...act, actor: 'operator/rework', reason }, 'operator'),
    releasing,
    scrap: (id: string) => scrapping.scrap(id, act),
    declareVoid: (id: string) => voiding.declareVoid(id, act),
    openLot: (id: string, profile: string, quantity: number) =>
      issuing.core.lots.create({ id, profile, quantity }, act),
    closeLot: (id: string) => issuing.lotClosing.close(id, act),
    async makeStation(name: string): Promise<StationPrincipal> {
      const { token } = await issuing.tokens.create({ role: 'station', name }, act)
      return { tokenId: token.id, name, role: 'station' }
    },
    /** The generation before goes on to be verified, and issues no more. */
    async activateNext() {
      await administration.activate(await administration.create(selfSigned('starter'), act), act)
      return `starter-g${++generation}`
    },
    compromise: () => administration.compromise(`starter-g${generation}`, act),
    async close() {
      await test.drop()
      await directory.remove()
    }
  }
}

/** @throws what is no refusal. */
export async function refusalOf(answer: Promise<unknown>): Promise<MintlineError> {
  const error = await answer.then(
    () => undefined,
    (refusal: unknown) => refusal
  )
  if (isMintlineError(error)) return error
  throw new Error('it was not refused', { cause: error })
}

/** As a station does: what the service could not do at that moment is sent again. */
export async function insist<Answer>(ask: () => Promise<Answer>, tries = 20): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    const isBusy = isMintlineError(error, 'database_unavailable') || isMintlineError(error, 'overloaded')
    if (!isBusy || tries === 1) throw error
    return insist(ask, tries - 1)
  }
}

/** An intent whose process got no further than `step`. @returns its id. */
export async function leaveOpen(
  {
    test,
    directory,
    prisma,
    ...options
  }: Pick<Rework, 'test' | 'directory' | 'prisma'> & Pick<IssuingOptions, 'clock'>,
  issue: (stuck: Issuing) => Promise<unknown>
): Promise<string> {
  const stuck = await startIssuing(test.database, directory, {
    ...(options.clock && { clock: options.clock }),
    onStep: step => {
      if (step === 'before the signature') throw new Error('the token was pulled out')
    }
  })
  await issue(stuck).then(
    () => {
      throw new Error('it was issued')
    },
    (error: unknown) => {
      if (!(error instanceof Error) || error.message !== 'the token was pulled out') throw error
    }
  )
  return (await prisma.openIntent.findFirstOrThrow({ orderBy: { intentId: 'desc' } })).intentId
}

/** What must hold of all rows, whoever wrote them: each is a breach. */
export const breaches = `
SELECT 'issued and void' AS breach, intent_id::text FROM issued JOIN void USING (intent_id)
UNION ALL
SELECT 'two certificates of a device where one is allowed', min(intent.id::text)
  FROM intent JOIN issued ON issued.intent_id = intent.id
  JOIN authority ON authority.id = intent.authority_id AND authority.state <> 'compromised'
  WHERE intent.id NOT IN (SELECT intent_id FROM revocation)
  AND NOT EXISTS (
      SELECT FROM profile_version AS own JOIN profile_version AS version ON version.name = own.name
      WHERE own.id = intent.profile_version_id AND version.document #>> '{reissue,allow}' IS NOT NULL
    )
  GROUP BY intent.device_sha256 HAVING count(*) > 1
UNION ALL
SELECT 'superseded by nothing', intent_id::text FROM revocation
  WHERE cause = 'superseded' AND successor_id NOT IN (SELECT intent_id FROM issued)
UNION ALL
SELECT 'succeeded twice', succeeds::text FROM succession
  WHERE intent_id NOT IN (SELECT intent_id FROM void) GROUP BY succeeds HAVING count(*) > 1
UNION ALL
SELECT 'a gap', min(intent_id::text) FROM certified_device GROUP BY device_sha256 HAVING count(*) <> max(occurrence)
UNION ALL
SELECT 'a key of two devices', min(id::text) FROM intent WHERE id NOT IN (SELECT intent_id FROM void)
  GROUP BY spki_sha256 HAVING count(DISTINCT device_sha256) > 1
UNION ALL
SELECT 'a place too many or too few', lot.id FROM lot WHERE taken <> (
  SELECT count(*) FROM intent WHERE intent.lot = lot.id AND has_own_place(intent.id) IS NOT FALSE
    AND id NOT IN (SELECT intent_id FROM void) AND id NOT IN (SELECT intent_id FROM revocation)
    AND id NOT IN (SELECT succeeds FROM succession JOIN issued ON issued.intent_id = succession.intent_id)
  ) + (
  SELECT count(*) FROM intent JOIN issued ON issued.intent_id = intent.id
  WHERE intent.lot = lot.id AND NOT has_own_place(intent.id) AND id NOT IN (SELECT intent_id FROM revocation)
    AND id NOT IN (SELECT succeeds FROM succession JOIN issued AS later ON later.intent_id = succession.intent_id)
  )
UNION ALL
SELECT 'shares that are not the whole', lot.id FROM lot
  WHERE taken <> (SELECT coalesce(sum(lot_station.taken), 0) FROM lot_station WHERE lot_id = lot.id)`
