import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProfileDocument } from '../../src/profiles/document.ts'
import { completeProfile } from '../../src/profiles/request.ts'
import { type HttpService, openService } from '../http/service.ts'
import { fixturePath } from '../jitp/template-cases.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { codeOf, runMintline } from './mintline.ts'

let directory: TemporaryDirectory
let service: HttpService
beforeAll(async () => {
  directory = await createTemporaryDirectory()
  service = await openService()
})
afterAll(async () => {
  await service.stop()
  await directory.remove()
})

let files = 0
async function init(template: string, ...args: readonly string[]) {
  const file = join(directory.path, `profile-${++files}.json`)
  const ended = await runMintline(['profile', 'init', '--template', template, '--out', file, ...args])
  const read = async () => JSON.parse(await readFile(file, 'utf8')) as ProfileDocument
  return { ended, file, read }
}

describe('mintline profile init', () => {
  it('writes a profile that is complete, can be posted as it is, and issues to what it says that it takes', async () => {
    const { ended, read } = await init(fixturePath('aws-article.json'), '--name', 'pumps')
    expect(ended.exitCode).toBe(0)
    const profile = await read()
    expect(completeProfile(profile)).toEqual(profile)
    const posted = await service.as('admin').post('/v1/profiles', profile)
    expect(posted.statusCode).toBe(201)
    expect(posted.json()).toMatchObject({ name: 'pumps', version: 1, document: profile })
    const [, subject] = /-subj "([^"]+)"/.exec(ended.output)!
    expect(subject).toBe('/C=US/CN=device-0001')
    const csr = makeCertificationRequest({ Country: 'US', CommonName: 'device-0001' })
    expect(await service.issue(csr, { profile: 'pumps' })).toMatchObject({ profile: 'pumps' })
    expect(ended.output).toContain('/v1/issuances?profile=pumps')
  })

  it.each([
    ['guide-jitp', ['Country', 'SerialNumber', 'CommonName'], ['CommonName']],
    ['serial-as-thing-name', ['CommonName', 'Organization', 'SerialNumber'], ['SerialNumber']],
    ['recommended', ['OrganizationalUnit', 'CommonName'], ['CommonName']]
  ])(
    'requires the fields that %s declares, and takes those of the thing name for the device',
    async (name, required, device) => {
      const { read } = await init(fixturePath(`${name}.json`), '--serial-number-source', 'subject')
      const { subject, deviceIdentity } = await read()
      const found = Object.entries(subject).filter(([, { rule }]) => rule === 'required')
      expect([found.map(([field]) => field).sort(), deviceIdentity]).toEqual([required.sort(), device])
    }
  )

  it('takes the sample, of which there is nothing to correct', async () => {
    const sample = fileURLToPath(new URL('../../provisioning-template.json', import.meta.url))
    const checked = await runMintline(['template', 'check', sample])
    expect([checked.exitCode, checked.output]).toEqual([0, expect.stringContaining('0 errors, 0 warnings')])
    const { ended, read } = await init(sample, '--name', 'sample')
    expect(ended.exitCode).toBe(0)
    expect(Object.keys(await read()).slice(0, 3)).toEqual(['name', 'authority', 'template'])
    expect((await service.as('admin').post('/v1/profiles', await read())).statusCode).toBe(201)
  })

  it('overwrites nothing, and says what is missing', async () => {
    const first = await init(fixturePath('recommended.json'))
    const before = await readFile(first.file, 'utf8')
    const again = await runMintline([
      'profile',
      'init',
      '--template',
      fixturePath('aws-article.json'),
      '--out',
      first.file
    ])
    expect([again.exitCode, await readFile(first.file, 'utf8')]).toEqual([2, before])
    const serial = await init(fixturePath('guide-jitp.json'))
    expect([serial.ended.exitCode, /--serial-number-source/.test(serial.ended.errors)]).toEqual([2, true])
    expect((await runMintline(['profile', 'init'])).exitCode).toBe(2)
  })

  it('refuses a template by which nothing would be provisioned, and writes nothing', async () => {
    const { ended, read } = await init(fixturePath('hand-edited.json'))
    expect([ended.exitCode, codeOf(ended)]).toEqual([1, 'profile_invalid'])
    await expect(read()).rejects.toThrow('ENOENT')
  })
})
