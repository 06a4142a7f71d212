import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, vi } from 'vitest'
import { createKmsStandIn, type KmsStandIn } from '../../../src/rehearsal/kms/kms-stand-in.ts'
import { longestPausesMs } from '../../../src/signing/signers/kms/attempts.ts'
import { createKmsSigner } from '../../../src/signing/signers/kms/kms-signer.ts'
import { encryptPrivateKey } from '../../../src/signing/signers/local/key-file.ts'
import { createSignerOpener } from '../../../src/signing/signers/open-signer.ts'
import { createPkcs11Signer } from '../../../src/signing/signers/pkcs11/pkcs11-signer.ts'
import { rehearsalCredentials } from '../../rehearsal/kms/rehearsal-kms-client.ts'
import { createFaultyHsm } from '../../support/hsm/faulty-hsm.ts'
import { moduleSurroundingsOf } from '../../support/hsm/module-surroundings.ts'
import { createSoftHsm, needsSoftHsm, type SoftHsm } from '../../support/hsm/softhsm.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import {
  callsAtOnce,
  describeFaultySigner,
  type FaultyKeyStore,
  type KeyStoreFault
} from './faulty-signer-contract.ts'

const callTimeoutMs = 1_000
/** For what is neither a call of the store nor a pause: of a machine that does other things, too. */
const ownMs = 1_000
/** A call that hangs, the start of what is in its place, and those that wait behind them. */
const hangingLimitMs = callTimeoutMs * 5 + ownMs
const makeKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

const stops = new AsyncDisposableStack()
afterAll(() => stops.disposeAsync())

const unavailable = ['signer_unavailable']

describeFaultySigner(
  'local',
  {
    // A key that is open is in memory: it cannot hang, and needs its file no more.
    'has another key': { standing: ['signed'], opening: ['certificate_mismatch'] },
    truncates: { standing: ['signed'], opening: ['key_unusable'] },
    crashes: { standing: ['signed'], opening: ['key_unusable'] }
  },
  createLocalStore
)

async function createLocalStore(): Promise<FaultyKeyStore> {
  const { path, remove } = await createTemporaryDirectory()
  stops.defer(remove)
  const [file, passphraseFile] = [join(path, 'ca.key.pem'), join(path, 'passphrase')]
  await writeFile(passphraseFile, 'passphrase\n')
  const [right, wrong] = [
    await encryptPrivateKey(makeKey(), 'passphrase'),
    await encryptPrivateKey(makeKey(), 'passphrase')
  ]
  await writeFile(file, right)
  const open = createSignerOpener({ keyDirectory: path, passphraseFile })
  const damaged: Partial<Record<KeyStoreFault, string>> = {
    'has another key': wrong,
    truncates: right.slice(0, -60)
  }
  return {
    callLimitMs: () => hangingLimitMs,
    open: () => open({ kind: 'local', keyFile: 'ca.key.pem' }),
    async setFault(fault) {
      const text = damaged[fault]
      await (text === undefined ? rm(file) : writeFile(file, text))
    },
    async heal() {
      await writeFile(`${file}.new`, right)
      await rename(`${file}.new`, file)
    }
  }
}

describeFaultySigner(
  'kms',
  {
    hangs: { standing: unavailable, opening: unavailable },
    'is slow': { standing: ['signed'], opening: ['signed'] },
    'has another key': { standing: ['signed', 'certificate_mismatch'], opening: ['certificate_mismatch'] },
    truncates: { standing: ['signed', 'certificate_mismatch'], opening: ['certificate_mismatch'] },
    throttles: { standing: unavailable, opening: unavailable },
    crashes: { standing: unavailable, opening: unavailable }
  },
  createKmsStore
)

/** Before the stand-in stands a proxy that hangs, breaks off and changes signatures. */
async function createKmsStore(): Promise<FaultyKeyStore> {
  for (const [name, value] of Object.entries(rehearsalCredentials)) vi.stubEnv(name, value)
  stops.defer(() => void vi.unstubAllEnvs())
  const standIn = await createKmsStandIn()
  stops.defer(() => standIn.stop())
  const [keyId, otherKeyId] = [
    await standIn.createKey('ECC_NIST_P256'),
    await standIn.createKey('ECC_NIST_P256')
  ]
  const state: ProxyState = { fault: undefined, standIn, keyId, otherKeyId }
  const proxy = createServer((request, response) => void answerAsProxy(state, request, response))
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  stops.defer(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const settings = { maximumConcurrent: 4, maximumWaiting: 1_000, requestTimeoutMs: callTimeoutMs, endpoint }
  // A slot is kept through the pauses, and the last round waits for those of all before it.
  const throttledLimitMs = Math.ceil(callsAtOnce / settings.maximumConcurrent) * longestPausesMs + ownMs
  return {
    callLimitMs: fault => (fault === 'throttles' ? throttledLimitMs : hangingLimitMs),
    open: () => createKmsSigner({ kind: 'kms', keyId, region: standIn.region }, settings),
    async setFault(fault) {
      state.fault = fault
      if (fault === 'throttles') standIn.setFaults({ throttleRate: 1 })
    },
    async heal() {
      state.fault = undefined
      standIn.setFaults({ throttleRate: 0 })
    }
  }
}

interface ProxyState {
  fault: KeyStoreFault | undefined
  readonly standIn: KmsStandIn
  readonly keyId: string
  readonly otherKeyId: string
}

async function answerAsProxy(
  { fault, standIn, keyId, otherKeyId }: ProxyState,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string
  if (fault === 'hangs') return
  if (fault === 'crashes') return void response.destroy()
  if (fault === 'is slow') await pause(300)
  const isSignature = request.headers['x-amz-target'] === 'TrentService.Sign'
  if (fault === 'has another key' && isSignature) body = body.replace(keyId, otherKeyId)
  const { host: _, 'content-length': __, connection: ___, ...headers } = request.headers
  const answer = await fetch(standIn.url, {
    method: 'POST',
    headers: headers as Record<string, string>,
    body
  })
  const text = await answer.text()
  response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
  response.end(fault === 'truncates' && isSignature ? truncated(text) : text)
}

function truncated(answer: string): string {
  const { Signature, ...rest } = JSON.parse(answer) as { readonly Signature: string }
  return JSON.stringify({
    ...rest,
    Signature: Buffer.from(Signature, 'base64').subarray(0, 40).toString('base64')
  })
}

describe('on a token', { ...needsSoftHsm }, () => {
  describe('behind a shim', needs('cc'), () => {
    let hsm: SoftHsm
    beforeAll(async () => {
      hsm = await createSoftHsm()
      hsm.makeToken('line')
      await hsm.importKey('line', 'ca', makeKey())
    })
    afterAll(() => hsm[Symbol.asyncDispose]())

    for (const call of [
      'C_Sign',
      'C_OpenSession',
      'C_Login',
      'C_Initialize',
      'C_GetAttributeValue'
    ] as const) {
      const isForEach = call === 'C_Sign'
      const isForLookup = isForEach || call === 'C_GetAttributeValue'
      const standing = isForLookup ? ['signed', ...unavailable] : ['signed']
      // Those were done when the standing ones were opened; see sick-module.e2e.test.ts.
      const isForAll = call === 'C_Initialize' || call === 'C_Login'
      const opening = isForAll ? ['signed'] : unavailable
      describeFaultySigner(
        `pkcs11, ${call}`,
        {
          hangs: { standing, opening },
          'is slow': { standing: ['signed'], opening: ['signed'] },
          crashes: { standing, opening },
          ...(isForEach && {
            'has another key': {
              standing: ['signed', 'certificate_mismatch'],
              opening: ['certificate_mismatch']
            },
            truncates: {
              standing: ['signed', 'certificate_mismatch', ...unavailable],
              opening: ['certificate_mismatch', ...unavailable]
            },
            throttles: { standing: ['signed', ...unavailable], opening: unavailable }
          })
        },
        async () => {
          const { modulePath, setFaults } = await createFaultyHsm(hsm)
          const settings = {
            modulePath,
            pinFile: hsm.pinFile,
            sessions: 2,
            maximumWaiting: 1_000,
            callTimeoutMs,
            ...moduleSurroundingsOf(hsm)
          }
          const names = {
            hangs: 'hang',
            'is slow': 'slow',
            'has another key': 'lie',
            truncates: 'truncate',
            // CKR_DEVICE_MEMORY
            throttles: 0x31,
            crashes: 'crash'
          } as const
          return {
            callLimitMs: () => hangingLimitMs,
            open: () => createPkcs11Signer({ kind: 'pkcs11', tokenLabel: 'line', keyLabel: 'ca' }, settings),
            setFault: fault => setFaults({ [call]: names[fault] }),
            heal: () => setFaults({})
          }
        }
      )
    }
  })
})
