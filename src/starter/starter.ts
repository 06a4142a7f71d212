import { chmod, mkdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '../access/principal.ts'
import { buildToken } from '../access/token/token.ts'
import type { StoredToken } from '../access/token/token-store.ts'
import { buildAuditEvent, type ToldAct } from '../audit/audit-event.ts'
import type { CertificateIntentStore } from '../authorities/certificates/certificate-intent-store.ts'
import { issueIntendedAuthority } from '../authorities/certificates/intended-authority.ts'
import { allProfiles, type Station } from '../factory/stations/station.ts'
import { buildStation } from '../factory/stations/stations.ts'
import { compileProfile } from '../profiles/compiled-profile.ts'
import { encryptPrivateKey, writeSecretFile } from '../signing/signers/local/key-file.ts'
import { generateLocalKey } from '../signing/signers/local/local-key.ts'
import { createLocalSigner } from '../signing/signers/local/local-signer.ts'
import { loadPassphrase } from '../signing/signers/secret-file.ts'
import type { Clock } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import { starterProfile } from './starter-profile.ts'
import type { StarterAuthority, StarterSet, StarterStore } from './starter-store.ts'
import { tokenFile } from './token-file.ts'

export interface StarterDependencies {
  readonly store: StarterStore
  readonly intents: Pick<CertificateIntentStore, 'insert'>
  readonly dataDirectory: string
  readonly keyDirectory: string
  readonly passphraseFile: string
  /** True when `passphraseFile` is the one in the data directory, which is made here. */
  readonly makePassphrase: boolean
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

const validityYears = 25
const starterRoles = ['station', 'auditor', 'admin'] as const satisfies readonly Role[]
const act = { actor: 'mintline/starter' }

/**
 * Makes the set to try Mintline out with, on an empty database: an authority, a profile, and one token a role.
 * Files first, then the commit: a crash in between leaves at most the intent of the CA certificate, and the next start
 * makes all of it anew. Nothing that was there is lost: key files bear the authority's id, and tokens of another
 * database are set aside.
 *
 * @returns whether it was made.
 */
export async function createStarterSet(dependencies: StarterDependencies): Promise<boolean> {
  const { store } = dependencies
  return store.insertOnce(() => makeStarterSet(dependencies))
}

async function makeStarterSet(dependencies: StarterDependencies): Promise<StarterSet> {
  const { clock, randomBytes } = dependencies
  const now = clock()
  const authority = await createStarterAuthority(dependencies, now)
  const named = { name: 'starter', profiles: [allProfiles] }
  const station = buildStation(named, act, { time: now, randomBytes })
  const tokens = await createTokenFiles(dependencies, station)
  const after = {
    profile: starterProfile.name,
    station: station.name,
    tokens: tokens.map(({ name, role }) => ({ name, role }))
  }
  const what: ToldAct = { ...act, act: 'starter.create', subject: `authority/${authority.name}`, after }
  return {
    authority,
    profile: {
      id: newId(now, randomBytes),
      name: starterProfile.name,
      version: 1,
      document: starterProfile,
      templateSha256: compileProfile(starterProfile).templateSha256,
      createdAt: now,
      createdBy: act.actor
    },
    station,
    tokens,
    event: buildAuditEvent(what, { time: now, randomBytes })
  }
}

async function createStarterAuthority(
  dependencies: StarterDependencies,
  now: Date
): Promise<StarterAuthority> {
  const { keyDirectory, passphraseFile, makePassphrase, randomBytes } = dependencies
  await mkdir(keyDirectory, { recursive: true, mode: 0o700 })
  await chmod(keyDirectory, 0o700)
  if (makePassphrase && !(await isFile(passphraseFile))) {
    await writeSecretFile(passphraseFile, `${Buffer.from(randomBytes(32)).toString('base64url')}\n`)
  }
  const id = newId(now, randomBytes)
  const name = `${starterProfile.authority}-g1`
  const privateKey = await generateLocalKey('P-256')
  const keyFile = `${name}-${id}.key.pem`
  await writeSecretFile(
    join(keyDirectory, keyFile),
    await encryptPrivateKey(privateKey, await loadPassphrase(passphraseFile))
  )
  const signer = createLocalSigner(privateKey)
  const content = {
    subject: { CommonName: 'Mintline Starter CA G1' },
    spkiDer: signer.publicKeySpkiDer,
    notBefore: new Date(now.getTime() - 24 * 3_600_000),
    notAfter: new Date(new Date(now).setUTCFullYear(now.getUTCFullYear() + validityYears))
  }
  const reference = { kind: 'local', keyFile } as const
  const intended = {
    purpose: 'self-signed',
    authorityName: name,
    signer: reference
  } as const
  const { intentId, certificateDer } = await issueIntendedAuthority(dependencies, signer, {
    content,
    intended,
    act
  })
  return {
    id,
    name,
    line: starterProfile.authority,
    generation: 1,
    state: 'active',
    purpose: 'devices',
    certificateDer,
    certificateIntentId: intentId,
    issuersDer: [],
    signer: reference,
    createdAt: now
  }
}

async function createTokenFiles(
  dependencies: StarterDependencies,
  station: Station
): Promise<readonly StoredToken[]> {
  const { dataDirectory, randomBytes } = dependencies
  const { createdAt: now } = station
  const stored: StoredToken[] = []
  for (const role of starterRoles) {
    const name = `starter-${role}`
    const owned = role === 'station' ? { role, name, station } : { role, name }
    const token = buildToken(owned, act, { time: now, randomBytes })
    await setAside(tokenFile(dataDirectory, role), now)
    await writeSecretFile(tokenFile(dataDirectory, role), `${token.secret}\n`)
    stored.push(token.stored)
  }
  return stored
}

/** A file of another database's is kept under another name. */
async function setAside(path: string, now: Date): Promise<void> {
  if (await isFile(path)) await rename(path, `${path}.until-${now.toISOString().replaceAll(':', '')}`)
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isFile(),
    () => false
  )
}
