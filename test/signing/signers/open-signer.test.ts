import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createSignerOpener } from '../../../src/signing/signers/open-signer.ts'
import { loadPassphrase, loadPin } from '../../../src/signing/signers/secret-file.ts'
import type { SignerReference } from '../../../src/signing/signers/signer-reference.ts'

const directory = mkdtempSync(join(tmpdir(), 'mintline-'))
afterAll(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

describe('a signer', () => {
  const open = createSignerOpener({ keyDirectory: directory, passphraseFile: join(directory, 'none') })

  it.each([
    [{ kind: 'kms', keyId: 'key-1', region: 'eu-central-1' }, 'in AWS KMS'],
    [{ kind: 'pkcs11', tokenLabel: 'factory', keyLabel: 'ca' }, 'on a PKCS#11 token'],
    [{ kind: 'local', keyFile: '../key.pem' }, 'of a kind that this version does not know'],
    [{ kind: 'unheard-of' }, 'of a kind that this version does not know']
  ])('%j is not opened without what it takes', async (reference, said) => {
    await expect(open(reference as unknown as SignerReference)).rejects.toMatchObject({
      code: 'key_unusable',
      detail: expect.stringContaining(said) as string
    })
  })
})

describe('the file of a passphrase', () => {
  it.each(['word', 'word\n', 'word\r\n', 'word\nnote', 'word\r\nnote\r\n'])(
    '%j gives its first line',
    async text => {
      expect(await loadPassphrase(write('passphrase', text))).toBe('word')
    }
  )

  it('keeps the spaces of the line', async () => {
    expect(await loadPassphrase(write('passphrase', ' two words \n'))).toBe(' two words ')
  })

  it.each(['', '\n', '\r\nword'])('%j is refused, with its path', async text => {
    const path = write('pin', text)
    await expect(loadPin(path)).rejects.toMatchObject({
      code: 'key_unusable',
      detail: expect.stringContaining(`PIN file ${path} is empty`) as string
    })
  })

  it('that is missing is refused, with the setting', async () => {
    await expect(loadPin(join(directory, 'none'))).rejects.toMatchObject({
      code: 'key_unusable',
      detail: expect.stringContaining('MINTLINE_PKCS11_PIN_FILE') as string
    })
  })
})
