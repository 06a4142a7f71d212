import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuthorityStore } from '../../../src/authorities/authority-store.ts'
import type { CertificateIntentStore } from '../../../src/authorities/certificates/certificate-intent-store.ts'
import { createAuthorityCreation } from '../../../src/authorities/generations/creation.ts'
import { type ErrorCode, MintlineError } from '../../../src/errors/mintline-error.ts'
import { vouchDurable } from '../../../src/signing/durable.ts'
import { createKeyProvision } from '../../../src/signing/signers/key-provision.ts'
import { createSignerOpener } from '../../../src/signing/signers/open-signer.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'
import { act, selfSigned } from '../../support/authority-administration.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

let data: TemporaryDirectory

beforeAll(async () => {
  data = await createTemporaryDirectory()
  await writeFile(join(data.path, 'ca-passphrase'), 'correct horse\n')
})

afterAll(() => data.remove())

/** Makes an authority, whose commit fails with the code, and says which key files there are then. */
async function keyFilesAfter(code: ErrorCode, openSigner?: () => never): Promise<readonly string[]> {
  const keyDirectory = join(data.path, `${code}-${openSigner === undefined}`)
  const settings = { keyDirectory, passphraseFile: join(data.path, 'ca-passphrase') }
  const store: Pick<AuthorityStore, 'generations' | 'change'> = {
    generations: async () => [],
    change: () => Promise.reject(new MintlineError(code, 'The commit failed.'))
  }
  const intents: Pick<CertificateIntentStore, 'insert'> = {
    insert: async intent => vouchDurable(intent)
  }
  const creation = createAuthorityCreation({
    store,
    intents,
    keys: createKeyProvision(settings),
    openSigner: openSigner ?? createSignerOpener(settings),
    clock: () => new Date(),
    randomBytes: createRandomSource()
  })
  await expect(creation.create(selfSigned('kept'), act)).rejects.toMatchObject({ code })
  return readdir(keyDirectory)
}

describe('the key of an authority that was not made', () => {
  it('is taken away when the authority is surely not there', async () => {
    expect(await keyFilesAfter('authority_exists')).toEqual([])
  })

  it('is taken away when it did not get as far as the commit', async () => {
    const openSigner = () => {
      throw new MintlineError('signer_unavailable', 'The key store is away.')
    }
    expect(await keyFilesAfter('signer_unavailable', openSigner)).toEqual([])
  })

  it('stays when the commit may have taken effect', async () => {
    const files = await keyFilesAfter('database_unavailable')
    expect(files).toEqual([expect.stringMatching(/^kept-g1-[0-9a-f]{8}\.key\.pem$/)])
  })
})
