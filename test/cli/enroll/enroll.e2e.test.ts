import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { someSubject } from '../../http/service.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needs } from '../../support/needs/needs.ts'
import { type OpenStation, openStation, writeToken } from './enrolling.ts'

let station: OpenStation
beforeAll(async () => {
  station = await openStation()
})
afterAll(() => station.close())

interface Told {
  readonly outcome: string
  readonly exitCode: number
  readonly certificateId?: string
  readonly code?: string
  readonly instance?: string
}

const toldBy = ({ output }: { readonly output: string }) => JSON.parse(output) as Told

describe('mintline enroll', () => {
  it('keeps the chain that the service answers, and the same when it is run again', async () => {
    const csr = await station.makeCsr('one.csr')
    const args = ['--profile', 'starter', '--metadata', 'fixture:F-12', '--csr', csr, '--json']
    const first = await station.enroll([...args, '--out', station.at('one.pem')])
    expect([first.exitCode, first.errors, toldBy(first).outcome]).toEqual([0, '', 'issued'])
    const chain = await readFile(station.at('one.pem'), 'utf8')
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    const again = await station.enroll([...args, '--out', station.at('again.pem')])
    expect([again.exitCode, toldBy(again).outcome]).toEqual([0, 'replayed'])
    expect(await readFile(station.at('again.pem'), 'utf8')).toBe(chain)
    const { fingerprint256 } = new X509Certificate(chain)
    expect(toldBy(again).certificateId).toBe(fingerprint256.replaceAll(':', '').toLowerCase())
    const records = await station.service.as('auditor').get('/v1/issuances?limit=1')
    expect(records.body).toContain('"fixture":"F-12"')
  })

  it('sets the subject of a CSR that has none of its own', async () => {
    const profile = { ...starterProfile, name: 'element', subjectFromStation: ['Country', 'CommonName'] }
    expect((await station.service.as('admin').post('/v1/profiles', profile)).statusCode).toBe(201)
    const csr = await station.makeCsr('element.csr', { CommonName: 'ATECC608' } as never)
    const [out, name] = [station.at('element.pem'), 'S/N 4&5=\u00e4']
    const subject = ['--subject', `CommonName=${name}`, '--subject', 'Country=DE']
    const ended = await station.enroll(['--profile', 'element', '--csr', csr, '--out', out, ...subject])
    expect([ended.exitCode, ended.errors]).toEqual([0, ''])
    expect(new X509Certificate(await readFile(out)).subject).toBe(`C=DE\nCN=${name}`)
    const other = ['--subject', 'CommonName=x', '--subject', 'Country=DE', '--subject', 'Organization=x']
    const refused = await station.enroll(['--profile', 'element', '--csr', csr, '--out', out, ...other])
    expect(refused.exitCode).toBe(3)
    expect(refused.errors).toContain('Organization')
  })

  it.each([
    ['no field', ['--csr', 'x', '--out', 'y', '--subject', 'CN=x']],
    ['no value', ['--csr', 'x', '--out', 'y', '--subject', 'CommonName=']],
    ['no equals sign', ['--csr', 'x', '--out', 'y', '--subject', 'CommonName']],
    ['a field twice', ['--csr', 'x', '--out', 'y', '--subject', 'CommonName=x', '--subject', 'CommonName=y']],
    ['a directory', ['--dir', '.', '--subject', 'CommonName=x']]
  ])('takes no subject with %s', async (_name, args) => {
    const ended = await station.enroll(['--profile', 'starter', ...args])
    expect(ended.exitCode).toBe(2)
    expect(ended.errors).toContain('--subject')
  })

  it('says what is wrong with a CSR that is refused, and leaves what is there', async () => {
    const csr = await station.makeCsr('no-country.csr', { CommonName: 'device' } as never)
    await writeFile(station.at('kept.pem'), 'what was there')
    const args = ['--profile', 'starter', '--csr', csr, '--out', station.at('kept.pem'), '--json']
    const ended = await station.enroll(args)
    const told = toldBy(ended)
    expect([ended.exitCode, told.outcome, told.exitCode]).toEqual([3, 'refused', 3])
    expect(told.instance).toMatch(/^\/v1\/issuances\//)
    expect(ended.errors).toContain(told.code)
    expect(ended.errors).toContain('Country')
    expect(await readFile(station.at('kept.pem'), 'utf8')).toBe('what was there')
  })

  it('never shows the token', async () => {
    const { authorization } = station.service.bearer('station')
    const secret = authorization.replace('Bearer ', '')
    const csr = await station.makeCsr('quiet.csr')
    const out = station.at('quiet.pem')
    for (const url of [station.service.url, 'http://127.0.0.1:1']) {
      const args = ['--profile', 'starter', '--csr', csr, '--out', out, '--deadline', '0']
      const { output, errors } = await station.enroll(args, { url })
      expect(output + errors).not.toContain(secret)
    }
  })

  it('is told a token that is none, and another role, without a second try', async () => {
    const csr = await station.makeCsr('stranger.csr')
    const tokens = [
      [`Bearer mintline_${'0'.repeat(32)}_${'s'.repeat(43)}`, 'token_invalid'],
      [station.service.bearer('auditor').authorization, 'role_forbidden']
    ] as const
    for (const [authorization, code] of tokens) {
      await writeToken(station.at('other-token'), authorization)
      const args = ['--profile', 'starter', '--csr', csr, '--out', station.at('stranger.pem'), '--json']
      const ended = await station.enroll(args, { token: station.at('other-token') })
      expect([ended.exitCode, toldBy(ended).code]).toEqual([3, code])
    }
  })

  it.each<[string, string[]]>([
    ['nothing to do', []],
    ['two things to do', ['--csr', 'x', '--dir', 'y', '--profile', 'p', '--out', 'z']],
    ['no profile', ['--csr', 'x', '--out', 'y']],
    ['no place for the answer', ['--csr', 'x', '--profile', 'starter']],
    ['a CSR that is not there', ['--csr', '/nowhere.csr', '--profile', 'starter', '--out', 'x']],
    ['a directory that is not there', ['--dir', '/nowhere', '--profile', 'starter']],
    ['an unknown format', ['--csr', '/dev/null', '--profile', 'p', '--out', 'x', '--format', 'jks']],
    ['a deadline that is none', ['--csr', '/dev/null', '--profile', 'p', '--out', 'x', '--deadline', '1h']],
    ['metadata without a value', ['--csr', 'x', '--profile', 'p', '--out', 'y', '--metadata', 'note']],
    ['half a client certificate', ['--csr', 'x', '--profile', 'p', '--out', 'y', '--client-cert', 'z']],
    ['a place in no directory', ['--csr', '/dev/null', '--profile', 'p', '--out', '/nowhere/x.pem']],
    ['a private CA without TLS', ['--csr', 'x', '--profile', 'p', '--out', 'y', '--ca-file', '/dev/null']],
    ['a word too many', ['--check', 'now']],
    ['a check that is to write', ['--check', '--out', 'x']]
  ])('takes arguments strictly: %s', async (_name, args) => {
    const ended = await station.enroll(args)
    expect([ended.exitCode, ended.output]).toEqual([2, ''])
    expect(ended.errors).toContain('usage: mintline enroll')
  })

  it('wants an address of the service, and a file with a token', async () => {
    const csr = await station.makeCsr('address.csr')
    const args = ['--profile', 'starter', '--csr', csr, '--out', station.at('address.pem')]
    for (const url of ['mintline', 'ftp://x', 'http://user:secret@x', 'http://x/?token=secret']) {
      const ended = await station.enroll(args, { url })
      expect([ended.exitCode, ended.errors.includes('secret')]).toEqual([2, false])
    }
    await writeFile(station.at('no-token'), 'two words\n')
    expect((await station.enroll(args, { token: station.at('no-token') })).exitCode).toBe(2)
    expect((await station.enroll(args, { token: station.at('nowhere') })).exitCode).toBe(2)
  })

  it('does not write an answer over its CSR', async () => {
    const csr = await station.makeCsr('same.csr')
    expect((await station.enroll(['--profile', 'starter', '--csr', csr, '--out', csr])).exitCode).toBe(2)
  })
})

describe('the forms of an answer', () => {
  const keep = async (format: string, name: string) => {
    const csr = await station.makeCsr(`${name}.csr`)
    const args = ['--profile', 'starter', '--csr', csr]
    const ended = await station.enroll([...args, '--format', format, '--out', station.at(name)])
    expect(ended.exitCode).toBe(0)
    await station.enroll([...args, '--out', station.at(`${name}.pem`)])
    return { file: station.at(name), chain: await readFile(station.at(`${name}.pem`), 'utf8') }
  }
  const split = (chain: string) => chain.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? []

  it('der: the certificate alone', async () => {
    const { file, chain } = await keep('der', 'form.der')
    expect(await readFile(file)).toEqual(new X509Certificate(chain).raw)
  })

  it('pkcs7: the chain, as openssl reads it', needs('openssl'), async () => {
    const { file, chain } = await keep('pkcs7', 'form.p7b')
    const printed = execFileSync('openssl', ['pkcs7', '-in', file, '-print_certs']).toString()
    expect(split(printed)).toEqual(split(chain))
  })

  it('c-array: octets that a compiler reads', needs('cc'), async () => {
    const { file, chain } = await keep('c-array', 'form.h')
    const program = [
      '#include <stdio.h>',
      `#include "${file}"`,
      'int main(void) {',
      '  fwrite(device_certificate_der, 1, device_certificate_der_len, stdout);',
      '  fwrite(device_chain_pem, 1, device_chain_pem_len, stdout);',
      '  return 0;',
      '}',
      ''
    ].join('\n')
    await writeFile(station.at('form.c'), program)
    execFileSync('cc', ['-Wall', '-Werror', '-o', station.at('form'), station.at('form.c')])
    const written = execFileSync(station.at('form'))
    expect(written).toEqual(Buffer.concat([new X509Certificate(chain).raw, Buffer.from(`${chain}\0`)]))
  })

  it('esp-secure-cert: a row for each certificate', async () => {
    const { file, chain } = await keep('esp-secure-cert', 'form.csv')
    const [head, ...rows] = (await readFile(file, 'utf8')).split('\nESP_')
    expect(head?.split(',')).toHaveLength(9)
    const fields = rows.map(row => /^(\w+),(\d+),"([^"]+)",(\w+),(,*)\n?$/.exec(row)?.slice(1))
    expect(fields).toEqual([
      ['SECURE_CERT_DEV_CERT_TLV', '0', split(chain)[0]!.trimEnd(), 'string', ',,,,'],
      ['SECURE_CERT_CA_CERT_TLV', '0', split(chain)[1]!.trimEnd(), 'string', ',,,,']
    ])
  })
})

describe('mintline enroll --dir', () => {
  it.each(['pem', 'der', 'pkcs7', 'c-array', 'esp-secure-cert'])(
    'goes on where it ended, in the form %s',
    async format => {
      const folder = station.at(`many-${format}`)
      await mkdir(folder)
      const names = ['a', 'b', 'c', 'd']
      for (const name of names) await station.makeCsr(`many-${format}/${name}.csr`)
      const args = ['--profile', 'starter', '--dir', folder, '--format', format]
      const before = await station.countIssued()
      const first = await station.enroll(args)
      expect([first.exitCode, first.errors]).toEqual([0, '4 issued of 4\n'])
      const kept = (await readdir(folder)).filter(name => !name.endsWith('.csr'))
      expect(kept.map(name => name.replace(/\..*/, '')).sort()).toEqual(names)
      expect((await station.enroll(args)).errors).toBe('4 kept of 4\n')
      await writeFile(`${folder}/${kept[0]!}`, '')
      await station.makeCsr(`many-${format}/d.csr`)
      expect((await station.enroll(args)).errors).toBe('1 issued, 1 replayed, 2 kept of 4\n')
      expect(await station.countIssued()).toBe(before + 5)
    }
  )

  it('has one that is refused hurt no other, and says so for a program', async () => {
    const folder = station.at('mixed')
    await mkdir(`${folder}/answers`, { recursive: true })
    await station.makeCsr('mixed/good.csr')
    await writeFile(`${folder}/bad.csr`, 'no CSR')
    await writeFile(`${folder}/huge.csr`, 'x'.repeat(70_000))
    const args = ['--profile', 'starter', '--dir', folder, '--out', `${folder}/answers`, '--json']
    const ended = await station.enroll(args)
    expect(ended.exitCode).toBe(3)
    const told = ended.output
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Told & { csr: string })
    const byName = Object.fromEntries(
      told.map(({ csr, outcome, code }) => [csr.replace(/.*\//, ''), [outcome, code]])
    )
    expect(byName).toEqual({
      'good.csr': ['issued', undefined],
      'bad.csr': ['refused', 'csr_malformed'],
      'huge.csr': ['refused', 'csr_too_large']
    })
    expect(await readdir(`${folder}/answers`)).toEqual(['good.pem'])
  })

  it('stops where the next file could not fare better', async () => {
    const folder = station.at('hopeless')
    await mkdir(folder)
    for (let index = 0; index < 30; index++) await station.makeCsr(`hopeless/${index}.csr`)
    const before = await station.service.countRecords()
    const wrong = ['--dir', folder, '--concurrency', '2']
    const refused = await station.enroll([...wrong, '--profile', 'nobodys'])
    expect([refused.exitCode, refused.errors.match(/profile_not_found/g)?.length ?? 0]).toEqual([
      3,
      expect.toSatisfy((count: number) => count >= 1 && count <= 2)
    ])
    expect((await station.service.countRecords()) - before).toBeLessThanOrEqual(2)
    const args = [...wrong, '--profile', 'starter', '--deadline', '0']
    const away = await station.enroll(args, { url: 'http://127.0.0.1:1' })
    expect(away.exitCode).toBe(5)
    expect(away.errors).toMatch(/\d+ were not tried: run the same again/)
  })

  it('makes no more of a lot than were ordered, and stops there', async () => {
    const lot = { id: 'lot-48', profile: 'starter', quantity: 2 }
    expect((await station.service.as('admin').post('/v1/lots', lot)).statusCode).toBe(201)
    const folder = station.at('ordered')
    await mkdir(folder)
    for (let index = 0; index < 20; index++) await station.makeCsr(`ordered/${index}.csr`)
    const args = ['--profile', 'starter', '--lot', 'lot-48', '--dir', folder, '--concurrency', '1']
    const { exitCode, errors } = await station.enroll(args)
    expect(exitCode).toBe(3)
    expect(errors).toContain('lot_full')
    expect(errors).toContain('2 issued, 1 refused of 20; 17 were not tried: run the same again')
  })

  it('says that an answer cannot be written, where that is so', async () => {
    const folder = station.at('full')
    await mkdir(`${folder}/a.pem`, { recursive: true })
    await writeFile(`${folder}/a.csr`, makeCertificationRequest(someSubject()))
    await chmod(`${folder}/a.pem`, 0o700)
    const ended = await station.enroll(['--profile', 'starter', '--dir', folder])
    expect(ended.exitCode).toBe(1)
    expect(ended.errors).toContain('a.pem cannot be written')
    expect(ended.errors).not.toContain('fault in Mintline')
    expect((await readdir(folder)).filter(name => name.endsWith('.tmp'))).toEqual([])
  })
})
