import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { translateStartFailure } from '../../src/cli/start-failure.ts'
import { loadConfig } from '../../src/config/config.ts'
import { describedSettings as settings } from '../../src/config/description.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { codeOf, namedSettings, runMintline } from './mintline.ts'

let directory: TemporaryDirectory
let data: TemporaryDirectory
let usable: Record<string, string>
const inDirectory = (name: string) => join(directory.path, name)

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  data = await createTemporaryDirectory()
  usable = { MINTLINE_DATA_DIR: data.path, MINTLINE_PORT: '0' }
  await writeFile(inDirectory('passphrase'), 'word-nobody-knows\n', { mode: 0o600 })
  await writeFile(inDirectory('empty-line'), '\nsecond\n', { mode: 0o600 })
  await writeFile(inDirectory('url'), 'postgres://u:word-nobody-knows@127.0.0.1:1/db\n', { mode: 0o600 })
  await mkdir(inDirectory('folder'))
})
afterAll(async () => {
  await data.remove()
  await directory.remove()
})

type Case = readonly [flaw: string, setting: string, environment: () => Record<string, string>]

/** What no command starts with. */
const refused: readonly Case[] = [
  ['a data directory that is a file', 'MINTLINE_DATA_DIR', () => ({ MINTLINE_DATA_DIR: inDirectory('url') })],
  ['one below a file', 'MINTLINE_DATA_DIR', () => ({ MINTLINE_DATA_DIR: inDirectory('url/data') })],
  [
    'a passphrase file that is missing',
    'MINTLINE_CA_PASSPHRASE_FILE',
    () => ({ MINTLINE_CA_PASSPHRASE_FILE: inDirectory('missing') })
  ],
  [
    'one whose first line is empty',
    'MINTLINE_CA_PASSPHRASE_FILE',
    () => ({ MINTLINE_CA_PASSPHRASE_FILE: inDirectory('empty-line') })
  ],
  [
    'one that is a directory',
    'MINTLINE_CA_PASSPHRASE_FILE',
    () => ({ MINTLINE_CA_PASSPHRASE_FILE: inDirectory('folder') })
  ],
  [
    'a webhook secret that is none',
    'MINTLINE_WEBHOOK_SECRET_FILE',
    () => ({
      MINTLINE_WEBHOOK_URL: 'https://events.example/word-nobody-knows',
      MINTLINE_WEBHOOK_SECRET_FILE: inDirectory('passphrase')
    })
  ],
  [
    'a root certificate that cannot be read',
    'DATABASE_URL',
    () => ({ DATABASE_URL: `postgres://u:p@h/db?sslrootcert=${inDirectory('missing')}` })
  ],
  ['an unknown host', 'MINTLINE_HOST', () => ({ MINTLINE_HOST: 'nowhere.invalid' })],
  [
    "another machine's address",
    'MINTLINE_HOST',
    () => ({ MINTLINE_HOST: '203.0.113.1', MINTLINE_INSECURE_HTTP: 'on' })
  ]
]

describe('mintline check-config', () => {
  it('shows each setting by its name, and no secret', async () => {
    const { exitCode, output, errors } = await runMintline(['check-config'], {
      ...usable,
      DATABASE_URL_FILE: inDirectory('url'),
      MINTLINE_CA_PASSPHRASE_FILE: inDirectory('passphrase')
    })
    // Nobody listens there.
    expect(exitCode).toBe(1)
    const lines = output.split('\n\n')[0]!.split('\n')
    expect(lines.map(line => line.split(' ')[0])).toEqual(settings.map(({ name }) => name))
    // The values stand in one column.
    const columns = lines.map(line => /^\S+ +/.exec(line)?.[0].length)
    expect(new Set(columns).size).toBe(1)
    expect(output).toContain(inDirectory('passphrase'))
    expect(output + errors).not.toContain('word-nobody-knows')
  })

  it.each(refused)('refuses %s', async (_flaw, setting, environment) => {
    const ended = await runMintline(['check-config'], { ...usable, ...environment() })
    expect(ended.exitCode).toBe(1)
    expect(codeOf(ended)).toBe('config_invalid')
    expect(namedSettings(ended)).toEqual([setting])
  })

  it('tells mistakes of every kind at once', async () => {
    const ended = await runMintline(['check-config'], {
      MINTLINE_DATA_DIR: inDirectory('url'),
      MINTLINE_PORT: 'x',
      MINTLINE_HOST: 'nowhere.invalid',
      MINTLINE_CA_PASSPHRASE_FILE: inDirectory('missing')
    })
    expect([...namedSettings(ended)].sort()).toEqual([
      'MINTLINE_CA_PASSPHRASE_FILE',
      'MINTLINE_DATA_DIR',
      'MINTLINE_HOST',
      'MINTLINE_PORT'
    ])
  })

  it('refuses a secret of its own user that others can read, and says the command that mends it', async () => {
    await chmod(inDirectory('passphrase'), 0o640)
    const environment = { ...usable, MINTLINE_CA_PASSPHRASE_FILE: inDirectory('passphrase') }
    for (const command of ['check-config', 'serve']) {
      const ended = await runMintline([command], environment)
      expect(ended.exitCode).toBe(1)
      expect(namedSettings(ended)).toEqual(['MINTLINE_CA_PASSPHRASE_FILE'])
      expect(ended.errors).toContain(`chmod 600 ${inDirectory('passphrase')}`)
    }
    await chmod(inDirectory('passphrase'), 0o600)
    expect((await runMintline(['check-config'], environment)).exitCode).toBe(0)
  })

  it('warns of one that is mounted for another user', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'root alone can give a file to another user')
    await chmod(inDirectory('passphrase'), 0o444)
    await chown(inDirectory('passphrase'), 65_534, 65_534)
    const ended = await runMintline(['check-config'], {
      ...usable,
      MINTLINE_CA_PASSPHRASE_FILE: inDirectory('passphrase')
    })
    expect(ended.exitCode).toBe(0)
    expect(namedSettings(ended)).toEqual(['MINTLINE_CA_PASSPHRASE_FILE'])
    await chown(inDirectory('passphrase'), 0, 0)
    await chmod(inDirectory('passphrase'), 0o600)
  })

  it.each(['ca-passphrase', 'admin-token', 'authorities/line-g1.pem'])(
    'refuses what others can read of the data directory: %s',
    async name => {
      const data = inDirectory(`data-${randomUUID()}`)
      await mkdir(join(data, 'authorities'), { recursive: true })
      await writeFile(join(data, name), 'secret\n', { mode: 0o644 })
      await chmod(join(data, name), 0o644)
      const ended = await runMintline(['check-config'], { ...usable, MINTLINE_DATA_DIR: data })
      expect(ended.exitCode).toBe(1)
      expect(namedSettings(ended)).toEqual(['MINTLINE_DATA_DIR'])
      expect(ended.errors).toContain(`chmod 600 ${join(data, name)}`)
    }
  )
})

describe('mintline serve', () => {
  it('does not start on a port in use, of which check-config warns', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const environment = { ...usable, MINTLINE_PORT: String(port) }
    const served = await runMintline(['serve'], environment)
    const checked = await runMintline(['check-config'], environment)
    other.close()
    expect(served.exitCode).toBe(1)
    expect(codeOf(served)).toBe('config_invalid')
    expect(namedSettings(served)).toEqual(['MINTLINE_PORT'])
    // Nothing was made before that: neither a database nor a key.
    expect(await readdir(data.path)).toEqual([])
    expect(checked.exitCode).toBe(0)
    expect(namedSettings(checked)).toEqual(['MINTLINE_PORT'])
  })

  it('does not start with what check-config refuses', async () => {
    const ended = await runMintline(['serve'], {
      ...usable,
      DATABASE_URL: `postgres://u:p@h/db?sslkey=${inDirectory('missing')}`,
      MINTLINE_WEBHOOK_URL: 'https://events.example/',
      MINTLINE_WEBHOOK_SECRET_FILE: inDirectory('missing')
    })
    expect(ended.exitCode).toBe(1)
    expect(codeOf(ended)).toBe('config_invalid')
    expect(namedSettings(ended)).toEqual(['MINTLINE_WEBHOOK_SECRET_FILE', 'DATABASE_URL'])
  })

  it('says when the database cannot be reached, without its password', async () => {
    const ended = await runMintline(['serve'], { ...usable, DATABASE_URL_FILE: inDirectory('url') })
    expect(ended.exitCode).toBe(1)
    expect(codeOf(ended)).toBe('database_unavailable')
    expect(ended.errors + ended.output).not.toContain('word-nobody-knows')
  })
})

describe('translateStartFailure', () => {
  const config = loadConfig({ MINTLINE_DATA_DIR: '/srv/mintline', MINTLINE_PORT: '80' })
  const systemError = (members: object) => Object.assign(new Error('of the system'), members)

  it('names the port that only root may open', () => {
    expect(
      translateStartFailure(systemError({ code: 'EACCES', syscall: 'listen', port: 80 }), config)
    ).toMatchObject({ code: 'config_invalid', violations: [{ pointer: 'MINTLINE_PORT' }] })
  })

  it.each(['/srv/mintline/admin-token.new', '/srv/mintline', '/srv'])(
    'lays %s to the data directory',
    path => {
      const error = systemError({ code: 'ENOSPC', syscall: 'open', path })
      expect(translateStartFailure(error, config)).toMatchObject({ code: 'data_directory_unusable' })
    }
  )

  it.each([
    ['a file elsewhere', systemError({ code: 'ENOENT', syscall: 'open', path: '/srv/mintline-2/x' })],
    ['a fault of the program', new TypeError('x is not a function')]
  ])('leaves %s as it is', (_what, error) => {
    expect(translateStartFailure(error, config)).toBe(error)
  })
})
