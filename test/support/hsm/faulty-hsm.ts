import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { SoftHsm } from './softhsm.ts'
import { softHsmModule } from './softhsm.ts'

const run = promisify(execFile)
const source = fileURLToPath(new URL('../../fixtures/pkcs11-shim/shim.c', import.meta.url))
const headers = fileURLToPath(new URL('../../../node_modules/pkcs11js/includes/pkcs11', import.meta.url))

type Call =
  | 'C_Initialize'
  | 'C_GetSlotList'
  | 'C_GetTokenInfo'
  | 'C_OpenSession'
  | 'C_GetAttributeValue'
  | 'C_Login'
  | 'C_Sign'

/** What a call does instead of what it should; a number is the CK_RV that it returns. */
type Fault = 'hang' | 'slow' | 'crash' | 'lie' | 'truncate' | 'count-low' | 'final-try' | 'locked' | number

/** A PKCS#11 module over that of SoftHSM2 whose calls can be made to fail. */
export interface FaultyHsm {
  readonly modulePath: string
  /** In place of the faults before, in all processes. */
  setFaults(faults: Partial<Record<Call, Fault>>): Promise<void>
  /** How often the call was made, in all processes. */
  count(call: Call): Promise<number>
}

/** Processes that are started from now on have its settings in their environment. */
export async function createFaultyHsm({ directory }: SoftHsm): Promise<FaultyHsm> {
  const modulePath = join(directory, 'shim.so')
  await run('cc', ['-shared', '-fPIC', '-I', headers, '-o', modulePath, source, '-ldl'])
  const faultsFile = join(directory, 'faults')
  const callsFile = join(directory, 'calls')
  process.env['PKCS11_SHIM_MODULE'] = softHsmModule
  process.env['PKCS11_SHIM_FAULTS'] = faultsFile
  process.env['PKCS11_SHIM_CALLS'] = callsFile
  return {
    modulePath,
    async setFaults(faults) {
      const lines = Object.entries(faults).map(([call, fault]) => `${call} ${fault}\n`)
      if (lines.length === 0) await rm(faultsFile, { force: true })
      else await writeFile(faultsFile, lines.join(''))
    },
    async count(call) {
      const calls = await readFile(callsFile, 'utf8').catch(() => '')
      return calls.split('\n').filter(each => each === call).length
    }
  }
}
