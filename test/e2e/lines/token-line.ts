import { generateKeyPairSync } from 'node:crypto'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { createFaultyHsm } from '../../support/hsm/faulty-hsm.ts'
import { moduleProcessesOf } from '../../support/hsm/module-processes.ts'
import { createSoftHsm } from '../../support/hsm/softhsm.ts'
import { startLinesProcess } from './lines-process.ts'

export type TokenLine = Awaited<ReturnType<typeof startTokenLine>>

const callTimeoutMs = 2_000

/** The service with a line `token` besides, whose key is on a token behind a module that can be made sick. */
export async function startTokenLine() {
  const hsm = await createSoftHsm()
  const shim = await createFaultyHsm(hsm)
  const settings = {
    MINTLINE_PKCS11_MODULE: shim.modulePath,
    MINTLINE_PKCS11_PIN_FILE: hsm.pinFile,
    MINTLINE_PKCS11_ENVIRONMENT: 'PKCS11_SHIM_*',
    MINTLINE_PKCS11_CALL_TIMEOUT_MS: String(callTimeoutMs),
    MINTLINE_LOG_LEVEL: 'info'
  }
  hsm.makeToken('acme')
  await hsm.importKey('acme', 'ca', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  const lines = await startLinesProcess(settings)
  await lines.administer('/authorities', {
    line: 'token',
    key: { kind: 'pkcs11', tokenLabel: 'acme', keyLabel: 'ca' },
    subject: { CommonName: 'token CA' },
    certificate: { kind: 'self-signed', days: 9125 }
  })
  await lines.administer('/authorities/token-g1/activate', { reason: 'a test' })
  await lines.administer('/profiles', { ...starterProfile, name: 'token', authority: 'token' })
  return {
    hsm,
    shim,
    lines,
    settings,
    moduleProcesses: () => moduleProcessesOf(lines.current().pid),
    async stop(): Promise<void> {
      await lines.stop()
      await hsm[Symbol.asyncDispose]()
    }
  }
}
