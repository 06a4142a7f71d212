import { execFileSync } from 'node:child_process'
import { type KeyObject, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadPkcs11Library } from '../../../src/signing/signers/pkcs11/cryptoki.ts'
import { skipFor, whyWithout, whyWithoutPackage } from '../needs/needs.ts'
import { createTemporaryDirectory } from '../temporary-directory.ts'

const modulePaths = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so'
]

/** Undefined where SoftHSM2 is not installed. */
export const softHsmModule = modulePaths.find(path => existsSync(path))

const whyWithoutSoftHsm = [
  ...whyWithout('softhsm2-util'),
  ...(softHsmModule === undefined ? ['without libsofthsm2.so in any of its usual places'] : []),
  ...whyWithoutPackage('pkcs11js')
]

/** Whether there can be tokens of SoftHSM2, and signers for them. */
export const hasSoftHsm = whyWithoutSoftHsm.length === 0

/** Options of a test, or of a group, that has such tokens. */
export const needsSoftHsm = skipFor(whyWithoutSoftHsm)

export interface SoftHsm extends AsyncDisposable {
  readonly pin: string
  readonly directory: string
  readonly pinFile: string
  makeToken(label: string): void
  importKey(tokenLabel: string, keyLabel: string, key: KeyObject): Promise<void>
  /** What pulling a token is to a reader. */
  moveAway(): Promise<void>
  moveBack(): Promise<void>
  /** Only while no signer is open. */
  changePin(tokenLabel: string, newPin: string, oldPin?: string): Promise<void>
}

/**
 * Tokens of SoftHSM2 in a folder of their own. The module reads SOFTHSM2_CONF when it is initialised, so that a
 * process can have one of these at a time.
 */
export async function createSoftHsm(): Promise<SoftHsm> {
  const { path: directory, remove } = await createTemporaryDirectory()
  const tokens = join(directory, 'tokens')
  await mkdir(tokens)
  const configFile = join(directory, 'softhsm2.conf')
  await writeFile(
    configFile,
    `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`
  )
  process.env['SOFTHSM2_CONF'] = configFile
  const pin = randomBytes(8).toString('hex')
  const pinFile = join(directory, 'pin')
  await writeFile(pinFile, `${pin}\n`, { mode: 0o600 })
  const run = (...args: string[]) => void execFileSync('softhsm2-util', args, { stdio: 'pipe' })
  return {
    pin,
    directory,
    pinFile,
    makeToken(label) {
      run('--init-token', '--free', '--label', label, '--so-pin', 'so-pin-of-tests', '--pin', pin)
    },
    async importKey(tokenLabel, keyLabel, key) {
      const file = join(directory, 'import.pem')
      await writeFile(file, key.export({ type: 'pkcs8', format: 'pem' }))
      const id = randomBytes(4).toString('hex')
      run('--import', file, '--token', tokenLabel, '--label', keyLabel, '--id', id, '--pin', pin)
    },
    moveAway: () => rename(tokens, `${tokens}-away`),
    moveBack: () => rename(`${tokens}-away`, tokens),
    changePin: (tokenLabel, newPin, oldPin = pin) => changePin(tokenLabel, oldPin, newPin),
    [Symbol.asyncDispose]: remove
  }
}

async function changePin(tokenLabel: string, oldPin: string, newPin: string): Promise<void> {
  const library = await loadPkcs11Library()
  const cryptoki = new library.PKCS11()
  cryptoki.load(softHsmModule as string)
  cryptoki.C_Initialize()
  try {
    const slot = cryptoki
      .C_GetSlotList(true)
      .find(candidate => cryptoki.C_GetTokenInfo(candidate).label.trimEnd() === tokenLabel)
    const session = cryptoki.C_OpenSession(slot!, library.CKF_SERIAL_SESSION | library.CKF_RW_SESSION)
    cryptoki.C_Login(session, library.CKU_USER, oldPin)
    cryptoki.C_SetPIN(session, oldPin, newPin)
  } finally {
    cryptoki.C_Finalize()
  }
}
