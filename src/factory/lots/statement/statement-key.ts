import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { statementAlgorithm } from './statement.ts'

/** In the data directory. */
export const statementKeyFile = 'statement-key.pem'

/** What statements of lots are signed with. No CA key: it certifies nothing. */
export interface StatementKey {
  /** Thumbprint of the public key (RFC 7638). */
  readonly keyId: string
  readonly privateKey: KeyObject
  readonly publicJwk: JWK
}

/**
 * Reads the key, or makes it where there is none: P-256, PKCS#8, readable for its owner alone. Processes that start
 * together on one directory agree on one.
 *
 * @throws MintlineError `key_unusable`.
 */
export async function loadStatementKey(path: string): Promise<StatementKey> {
  return readStatementKey((await readFileIfAny(path)) ?? (await makeKey(path)), path)
}

/** @param path where it was read, for the error. @throws MintlineError `key_unusable`. */
export async function readStatementKey(pem: string, path: string): Promise<StatementKey> {
  const privateKey = parseKey(pem, path)
  const publicJwk = await exportJWK(createPublicKey(privateKey))
  const keyId = await calculateJwkThumbprint(publicJwk)
  return { keyId, privateKey, publicJwk: { ...publicJwk, kid: keyId, use: 'sig', alg: statementAlgorithm } }
}

async function readFileIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new MintlineError('key_unusable', `The key of the lots' statements, ${path}, cannot be read.`, {
      cause
    })
  }
}

/** A crash leaves the draft at most. Who comes second reads what the first has made. */
async function makeKey(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const draft = `${path}.${process.pid}.new`
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await writeFile(draft, pem, { mode: 0o600, flush: true })
  try {
    await link(draft, path)
    return pem
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return readFile(path, 'utf8')
  } finally {
    await rm(draft, { force: true })
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  } catch {
    // Told below.
  }
  throw new MintlineError(
    'key_unusable',
    `The key of the lots' statements, ${path}, is no P-256 key as PKCS#8 PEM without a passphrase. Restore the file from a backup, or take it away: then a new key is made.`
  )
}
