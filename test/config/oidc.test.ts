import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig, readConfig } from '../../src/config/config.ts'
import { describeValues } from '../../src/config/description.ts'
import { checkSettings } from '../../src/config/machine-checks.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'

const whole = {
  MINTLINE_OIDC_ISSUER: 'https://login.example/realms/plant',
  MINTLINE_OIDC_AUDIENCE: 'mintline',
  MINTLINE_OIDC_ROLES: 'mintline-admins=admin, cn=quality=auditor'
}

const pointersOf = (environment: Readonly<Record<string, string>>) =>
  readConfig(environment).violations.map(({ pointer }) => pointer)

describe('settings of the identity provider', () => {
  it('are off unless they are set', () => {
    expect(loadConfig({})).toMatchObject({
      oidcIssuer: undefined,
      oidcAudience: undefined,
      oidcRoles: undefined
    })
  })

  it('are read', () => {
    const config = loadConfig({
      ...whole,
      MINTLINE_OIDC_CLIENTS: 'cli, portal',
      MINTLINE_OIDC_ALGORITHMS: 'ES256'
    })
    expect(config).toMatchObject({
      oidcIssuer: 'https://login.example/realms/plant',
      oidcRoles: { 'mintline-admins': 'admin', 'cn=quality': 'auditor' },
      oidcClients: ['cli', 'portal'],
      oidcAlgorithms: ['ES256'],
      oidcTokenTypes: ['at+jwt'],
      oidcRoleClaim: 'roles',
      oidcClockToleranceSeconds: 30
    })
    expect(describeValues(config, whole)).toMatch(
      /MINTLINE_OIDC_ROLES +mintline-admins=admin,cn=quality=auditor\n/
    )
  })

  it.each(Object.keys(whole))('are refused without %s', missing => {
    const { [missing as keyof typeof whole]: _, ...rest } = whole
    expect(pointersOf(rest)).not.toEqual([])
  })

  it('are refused without an issuer, each', () => {
    for (const name of ['NAME_CLAIM', 'ROLE_CLAIM', 'LINES_CLAIM', 'CLIENTS'])
      expect(pointersOf({ [`MINTLINE_OIDC_${name}`]: 'x' })).toEqual([`MINTLINE_OIDC_${name}`])
  })

  const flaws: readonly (readonly [setting: string, value: string])[] = [
    ['ISSUER', 'login.example'],
    ['ISSUER', 'http://login.example'],
    ['ISSUER', 'http://127.0.0.1.example'],
    ['ISSUER', 'https://user:hunter2@login.example'],
    ['ISSUER', 'https://login.example/?secret=hunter2'],
    ['ISSUER', 'https://login.example/#'],
    ['ISSUER', 'file:///etc/passwd'],
    ['ALGORITHMS', 'HS256'],
    ['ALGORITHMS', 'none'],
    ['ALGORITHMS', 'RS256,hs512'],
    ['TOKEN_TYPES', 'id_token'],
    ['CLOCK_TOLERANCE_SECONDS', '301'],
    ['ROLES', 'admin'],
    ['ROLES', '=admin'],
    ['ROLES', 'a=root'],
    ['ROLES', 'a=station'],
    ['ROLES', 'a=admin,a=auditor'],
    ['ROLES', 'a=admin,'],
    ['ROLE_CLAIM', '/'],
    ['ROLE_CLAIM', '/a~2b'],
    ['CLIENTS', 'a,,b']
  ]
  it.each(flaws)('refuse %s=%s, and show no password', (setting, value) => {
    const name = `MINTLINE_OIDC_${setting}`
    const { violations } = readConfig({ ...whole, [name]: value })
    expect(new Set(violations.map(({ pointer }) => pointer))).toEqual(new Set([name]))
    expect(JSON.stringify(violations)).not.toContain('hunter2')
  })

  it.each(['http://127.0.0.1:3000', 'http://[::1]:3000', 'http://localhost', 'https://login.example/'])(
    'take the issuer %s, as it is written',
    issuer => expect(loadConfig({ ...whole, MINTLINE_OIDC_ISSUER: issuer }).oidcIssuer).toBe(issuer)
  )

  it.each([
    ['no certificate', ''],
    ['a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
    ['what only looks like one', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']
  ])('refuse a file of CAs with %s', async (_what, content) => {
    await using directory = await createTemporaryDirectory()
    const file = join(directory.path, 'ca.pem')
    await writeFile(file, content)
    const { violations } = checkSettings({
      ...whole,
      MINTLINE_DATA_DIR: directory.path,
      MINTLINE_OIDC_CA_FILE: file
    })
    expect(violations.map(({ pointer }) => pointer)).toEqual(['MINTLINE_OIDC_CA_FILE'])
  })
})
