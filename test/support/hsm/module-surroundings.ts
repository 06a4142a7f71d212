import { join } from 'node:path'
import { readModuleEnvironment } from '../../../src/config/environment/module-environment.ts'
import {
  judgeLogin,
  type LoginVerdict,
  type PinAttempt
} from '../../../src/signing/signers/pkcs11/pins/login-judgement.ts'
import { createPinRecord } from '../../../src/signing/signers/pkcs11/pins/pin-record.ts'
import type { PinStore } from '../../../src/signing/signers/pkcs11/pins/pin-store.ts'
import type { SoftHsm } from './softhsm.ts'

/** What a PKCS#11 signer is given besides its settings: here the record of PINs is kept in memory. */
export function moduleSurroundingsOf({ directory }: Pick<SoftHsm, 'directory'>) {
  const environment = readModuleEnvironment(['PKCS11_SHIM_*'])
  const pins = createPinRecord({ store: createMemoryStore(), markKeyFile: join(directory, 'pin-mark-key') })
  return { environment, pins }
}

function createMemoryStore(): PinStore {
  type Kept = { -readonly [Member in keyof PinAttempt]: PinAttempt[Member] }
  /** By token, then by mark. */
  const tokens = new Map<string, Map<string, Kept>>()
  const attemptsAt = ({ tokenLabel, tokenSerial }: { tokenLabel: string; tokenSerial: string }) => {
    const name = `${tokenLabel} ${tokenSerial}`
    const known = tokens.get(name) ?? new Map<string, Kept>()
    tokens.set(name, known)
    return known
  }
  return {
    async admit(login): Promise<LoginVerdict> {
      const attempts = attemptsAt(login)
      const verdict = judgeLogin(login, [...attempts.values()])
      const { mark, markKeyId } = login
      const name = mark.toString('hex')
      if (verdict.kind === 'allowed' && attempts.get(name)?.outcome !== 'accepted') {
        attempts.set(name, {
          mark,
          markKeyId,
          outcome: 'unknown',
          isAnothersFresh: false,
          isOutstanding: true
        })
      }
      return verdict
    },
    async settle(login, outcome) {
      const attempts = attemptsAt(login)
      if (outcome === 'accepted') for (const each of attempts.values()) each.isOutstanding = false
      const own = attempts.get(login.mark.toString('hex'))
      if (own !== undefined) Object.assign(own, { outcome, isOutstanding: outcome === 'refused' })
    }
  }
}
