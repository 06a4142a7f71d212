import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { encodeChainPem } from '../../pki/pem/pem.ts'
import { generateLocalKey, type LocalKeyType } from '../../signing/signers/local/local-key.ts'
import { renewAfter } from '../../station-certificates/station-certificate.ts'
import { UsageError } from '../command.ts'
import { writeWhole } from '../enroll/keeping/keeping.ts'

/** Of a station's certificate and key as they are kept: together, so that neither is ever without the other. */
export interface OwnFile {
  /** Lower-case hex SHA-256 of the certificate. */
  readonly certificateId: string
  readonly notAfter: Date
  readonly renewAfter: Date
}

const onlyOwner = 0o600

/** Undefined where there is none. @throws UsageError for a file that holds something else. */
export async function readOwnFile(path: string): Promise<OwnFile | undefined> {
  const pem = await readIfThere(path)
  if (pem === undefined) return undefined
  try {
    const certificate = new X509Certificate(pem)
    if (!certificate.checkPrivateKey(createPrivateKey(pem))) throw new TypeError('of another key')
    const { validFromDate: notBefore, validToDate: notAfter, fingerprint256 } = certificate
    return {
      certificateId: fingerprint256.replaceAll(':', '').toLowerCase(),
      notAfter,
      renewAfter: renewAfter({ notBefore, notAfter })
    }
  } catch {
    throw new UsageError(
      `--out: ${path} holds something else than a certificate and its key. Name another file, or remove it.`
    )
  }
}

/**
 * The key that is to be certified, on disk before anybody is asked: a run that was cut off goes on with it, and gets the
 * same certificate.
 *
 * @throws KeepingError
 */
export async function loadPendingKey(path: string, keyType: LocalKeyType): Promise<KeyObject> {
  const pending = pendingOf(path)
  const pem = await readIfThere(pending)
  if (pem !== undefined) {
    try {
      return createPrivateKey(pem)
    } catch {
      // Nobody has its certificate.
    }
  }
  const key = await generateLocalKey(keyType)
  await writeWhole(pending, pemOf(key), onlyOwner)
  return key
}

/** A crash before the end leaves the old pair and the pending key, or the new pair and a key that has gone into it. */
export async function keepNew(path: string, key: KeyObject, chainDer: readonly Uint8Array[]): Promise<void> {
  await writeWhole(path, encodeChainPem(chainDer) + pemOf(key), onlyOwner)
  await forgetPendingKey(path)
}

export async function forgetPendingKey(path: string): Promise<void> {
  await rm(pendingOf(path), { force: true })
}

function pendingOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.new-key`)
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString()
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new UsageError(`${path} cannot be read (${code ?? 'unknown reason'})`)
  }
}
