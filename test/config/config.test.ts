import { readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { describedSettings as settings, renderSettingsTable } from '../../src/config/description.ts'
import { checkSettings } from '../../src/config/machine-checks.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'

function violationsOf(environment: Record<string, string>): MintlineError['violations'] {
  try {
    loadConfig(environment)
  } catch (error) {
    expect(error).toBeInstanceOf(MintlineError)
    expect((error as MintlineError).code).toBe('config_invalid')
    return (error as MintlineError).violations
  }
  return []
}

describe('loadConfig', () => {
  it('has a default for everything', () => {
    expect(loadConfig({ HOME: '/home/op' }, true)).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      dataDirectory: '/var/lib/mintline',
      databaseUrl: undefined,
      starter: true,
      logLevel: 'info'
    })
  })

  it('keeps the data of an ordinary user below the XDG data home', () => {
    expect(loadConfig({ XDG_DATA_HOME: '/data/op' }, false).dataDirectory).toBe('/data/op/mintline')
    expect(loadConfig({ XDG_DATA_HOME: 'not/absolute' }, false).dataDirectory).toMatch(
      /\/\.local\/share\/mintline$/
    )
  })

  it('takes sizes in bytes and in units', () => {
    const limitOf = (size: string) =>
      loadConfig({ DATABASE_URL: 'postgres://a/b', MINTLINE_DATABASE_SIZE_LIMIT: size })
        .databaseSizeLimitBytes
    expect(['20GB', '500 MB', '1000000', '2GiB'].map(limitOf)).toEqual([20e9, 500e6, 1e6, 2 ** 31])
    for (const size of ['20', '20G', 'GB', '-1GB', '1.5GB', '0GB', '99999999TB', '1gb', '20GB ']) {
      const environment = { DATABASE_URL: 'postgres://a/b', MINTLINE_DATABASE_SIZE_LIMIT: size }
      expect(violationsOf(environment)).toMatchObject([
        { pointer: 'MINTLINE_DATABASE_SIZE_LIMIT', found: size }
      ])
    }
    expect(violationsOf({ MINTLINE_DATABASE_SIZE_LIMIT: '20GB' })).toHaveLength(1)
  })

  it.each([
    ['1', '0', ['MINTLINE_CRL_OVERLAP_HOURS', 'MINTLINE_CRL_VALIDITY_HOURS']],
    ['168', '0', ['MINTLINE_CRL_OVERLAP_HOURS']],
    ['24', '24', ['MINTLINE_CRL_OVERLAP_HOURS']],
    ['24', '25', ['MINTLINE_CRL_OVERLAP_HOURS']],
    ['24', undefined, ['MINTLINE_CRL_OVERLAP_HOURS']],
    ['24', '23', []],
    ['2', '1', []]
  ])(
    'has a CRL of %s hours followed by the next one in time: %s hours before',
    (validity, overlap, pointers) => {
      const environment = {
        MINTLINE_CRL_VALIDITY_HOURS: validity,
        ...(overlap !== undefined && { MINTLINE_CRL_OVERLAP_HOURS: overlap })
      }
      expect(
        violationsOf(environment)
          .map(({ pointer }) => pointer)
          .sort()
      ).toEqual(pointers)
    }
  )

  it.each([
    [{ MINTLINE_STATUS_PORT: '8080' }, 1],
    [{ MINTLINE_PORT: '9000', MINTLINE_STATUS_PORT: '9000' }, 1],
    [{ MINTLINE_PORT: '9000', MINTLINE_STATUS_PORT: '8080' }, 0],
    [{ MINTLINE_PORT: '0', MINTLINE_STATUS_PORT: '0' }, 0]
  ])('takes no port twice: %j', (environment, violations) => {
    expect(violationsOf(environment)).toMatchObject(
      Array.from({ length: violations }, () => ({ pointer: 'MINTLINE_STATUS_PORT' }))
    )
  })

  it('is frozen', () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true)
  })

  it('tells every mistake at once', () => {
    const violations = violationsOf({
      MINTLINE_PORT: '99999',
      MINTLINE_STARTER: 'yes',
      MINTLINE_LOG_LEVEL: 'loud',
      MINTLINE_DATABASE_POOL_SIZE: '1',
      MINTLINE_HOST: '',
      MINTLINE_PROT: '80'
    })
    expect(violations.map(({ pointer }) => pointer).sort()).toEqual([
      'MINTLINE_DATABASE_POOL_SIZE',
      'MINTLINE_HOST',
      'MINTLINE_LOG_LEVEL',
      'MINTLINE_PORT',
      'MINTLINE_PROT',
      'MINTLINE_STARTER'
    ])
  })

  it.each(['8080x', '-1', '1e3', '0x50', ' 80', '65536'])('refuses the port %s', port => {
    expect(violationsOf({ MINTLINE_PORT: port })).toHaveLength(1)
  })

  it.each(['mysql://u:secret-word@h/db', 'secret-word', 'postgres://u:secret-word@h'])(
    'refuses the address %s without repeating it',
    url => {
      const violations = violationsOf({ DATABASE_URL: url })
      expect(violations.map(({ pointer }) => pointer)).toEqual(['DATABASE_URL'])
      expect(JSON.stringify(violations)).not.toContain('secret-word')
    }
  )

  it('takes the address from a file', async () => {
    await using directory = await createTemporaryDirectory()
    const file = join(directory.path, 'url')
    await writeFile(file, 'postgres://u:p@h:5432/db\n')
    expect(loadConfig({ DATABASE_URL_FILE: file }).databaseUrl).toBe('postgres://u:p@h:5432/db')
    expect(violationsOf({ DATABASE_URL_FILE: join(directory.path, 'missing') })).toHaveLength(1)
    expect(violationsOf({ DATABASE_URL_FILE: file, DATABASE_URL: 'postgres://u:p@h/db' })).toHaveLength(1)
  })
})

describe('the webhook', () => {
  const both = (url: string) => ({ MINTLINE_WEBHOOK_URL: url, MINTLINE_WEBHOOK_SECRET_FILE: '/run/secret' })

  it.each([
    'https://events.example/hook?x=1',
    'http://127.0.0.1:9/',
    'http://[::1]:9/',
    'http://localhost/x'
  ])('may be at %s', url => {
    expect(loadConfig(both(url)).webhookUrl).toBe(url)
  })

  it.each([
    'http://events.example/hook',
    'http://127.0.0.1.example/',
    'https://user:secret-word@events.example/',
    'https://events.example/#secret-word',
    'ftp://events.example/',
    '/secret-word'
  ])('may not be at %s, which is not repeated', url => {
    const violations = violationsOf(both(url))
    expect(violations.map(({ pointer }) => pointer)).toEqual(['MINTLINE_WEBHOOK_URL'])
    expect(JSON.stringify(violations)).not.toContain('secret-word')
  })

  it('needs its secret, and the secret it', () => {
    expect(violationsOf({ MINTLINE_WEBHOOK_URL: 'https://events.example/' })).toHaveLength(1)
    expect(violationsOf({ MINTLINE_WEBHOOK_SECRET_FILE: '/run/secret' })).toHaveLength(1)
  })

  it('gets all events, or those that are named', () => {
    expect(loadConfig({}).webhookEvents).toHaveLength(13)
    const some = 'mintline.authority.changed, mintline.issuance.issued'
    expect(loadConfig({ MINTLINE_WEBHOOK_EVENTS: some }).webhookEvents).toEqual([
      'mintline.issuance.issued',
      'mintline.authority.changed'
    ])
    const violations = violationsOf({ MINTLINE_WEBHOOK_EVENTS: 'mintline.issuance.issued,issued' })
    expect(violations).toMatchObject([{ pointer: 'MINTLINE_WEBHOOK_EVENTS', found: 'issued' }])
  })
})

describe('what the module of the HSM gets of the environment', () => {
  const withToken = { MINTLINE_PKCS11_MODULE: '/usr/lib/token.so', MINTLINE_PKCS11_PIN_FILE: '/run/pin' }
  const environmentOf = (names: string) =>
    violationsOf({ ...withToken, MINTLINE_PKCS11_ENVIRONMENT: names }).map(({ found }) => found)

  it('is named, and no secret of the service', () => {
    const named = { ...withToken, MINTLINE_PKCS11_ENVIRONMENT: 'CKNFAST_*, ChrystokiConfigurationPath' }
    expect(loadConfig(named).pkcs11Environment).toEqual(['CKNFAST_*', 'ChrystokiConfigurationPath'])
    const secrets = ['AWS_SECRET_ACCESS_KEY', 'AWS_*', 'A*', 'DATABASE_URL', 'PGPASSWORD', 'MINTLINE_*']
    expect(environmentOf(secrets.join(','))).toEqual(secrets)
    expect(environmentOf('*,A-B,CK*FAST,')).toEqual(['*', 'A-B', 'CK*FAST', ''])
  })

  it('means nothing without a module', () => {
    const alone = { MINTLINE_PKCS11_ENVIRONMENT: 'CKNFAST_*' }
    expect(violationsOf(alone)).toMatchObject([{ pointer: 'MINTLINE_PKCS11_ENVIRONMENT' }])
  })
})

describe('delta CRLs', () => {
  const seconds = { MINTLINE_CRL_DELTA_BASE_SECONDS: '3600' }
  it('are not made unless that is asked for, and need an address', () => {
    expect(loadConfig({}).crlDeltaBaseSeconds).toBe(0)
    expect(violationsOf(seconds)).toMatchObject([{ pointer: 'MINTLINE_CRL_DELTA_BASE_SECONDS' }])
    const addressed = { ...seconds, MINTLINE_PUBLIC_URL: 'http://pki.example.com' }
    expect(loadConfig(addressed).crlDeltaBaseSeconds).toBe(3600)
  })
})

describe('the file with the PIN of the token', () => {
  it('must be there, with a PIN that others cannot read', async () => {
    await using directory = await createTemporaryDirectory()
    const file = join(directory.path, 'pin')
    const check = () =>
      checkSettings({
        MINTLINE_DATA_DIR: directory.path,
        MINTLINE_PKCS11_MODULE: '/usr/lib/token.so',
        MINTLINE_PKCS11_PIN_FILE: file
      })
    const refused = [{ pointer: 'MINTLINE_PKCS11_PIN_FILE' }]
    expect(check().violations).toMatchObject(refused)
    await writeFile(file, '\n', { mode: 0o600 })
    expect(check().violations).toMatchObject(refused)
    await writeFile(file, '1234\n')
    expect(check()).toMatchObject({ violations: [], warnings: [] })
    await chmod(file, 0o644)
    expect(check()).toMatchObject({ violations: refused, warnings: [] })
    expect(check().violations[0]!.message).toContain(`chmod 600 ${file}`)
  })
})

describe('the README', () => {
  it('lists every setting with its default and meaning', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    for (const { name, defaultText, meaning } of settings) {
      expect(readme).toContain(`| \`${name}\` | ${defaultText} | ${meaning.replaceAll('|', '\\|')} |`)
    }
    expect(readme).toContain(`\n\n${renderSettingsTable()}\n`)
  })
})
