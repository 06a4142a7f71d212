import { execFile, execFileSync } from 'node:child_process'
import { chmod, cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Readiness } from '../../../src/monitoring/readiness.ts'
import { codeOf, namedSettings, runMintline } from '../../cli/mintline.ts'
import { needs } from '../../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { type MadePair, makePair } from '../../tls/pairs.ts'

const run = promisify(execFile)

let directory: TemporaryDirectory
let first: MadePair
let second: MadePair
const inDirectory = (name: string) => join(directory.path, name)
const live = () => ({
  MINTLINE_TLS_CERT_FILE: inDirectory('live/tls.crt'),
  MINTLINE_TLS_KEY_FILE: inDirectory('live/tls.key')
})

/** Switches a symbolic link, as certbot and Kubernetes do: both files change at once. */
async function show(pair: { readonly certificateFile: string; readonly keyFile: string }): Promise<void> {
  const folder = inDirectory(`version-${performance.now()}`)
  await mkdir(folder)
  await cp(pair.certificateFile, join(folder, 'tls.crt'))
  await cp(pair.keyFile, join(folder, 'tls.key'))
  await chmod(join(folder, 'tls.key'), 0o600)
  await rm(inDirectory('live.new'), { force: true })
  await symlink(folder, inDirectory('live.new'))
  await rename(inDirectory('live.new'), inDirectory('live'))
}

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  first = makePair(directory.path, 'first')
  second = makePair(directory.path, 'second')
  await writeFile(inDirectory('both.pem'), first.certificatePem + second.certificatePem)
})
afterAll(() => directory.remove())

describe('a service with TLS of its own', needs('openssl', 'curl'), () => {
  let data: TemporaryDirectory
  let service: ServiceProcess
  const port = () => new URL(service.url).port

  beforeAll(async () => {
    data = await createTemporaryDirectory()
    await show(first)
    service = await startServiceProcess(data.path, live())
  })
  afterAll(async () => {
    await service.end('SIGTERM')
    await data.remove()
  })

  /** What it shows, by openssl; undefined where no handshake comes about. */
  async function connect(version: string) {
    const { stdout } = await run(
      'sh',
      [
        '-c',
        `openssl s_client -connect 127.0.0.1:${port()} -${version} -cipher DEFAULT@SECLEVEL=0 </dev/null 2>&1 || true`
      ],
      {}
    )
    return {
      subject: /^subject=CN ?= ?(.+)$/m.exec(stdout)?.[1],
      version: /^New, (TLSv[\d.]+)/m.exec(stdout)?.[1]
    }
  }

  const asksWithCurl = async (...options: readonly string[]) =>
    (await run('curl', ['-sS', '--cacert', inDirectory('both.pem'), ...options])).stdout

  const logLines = (level: number) =>
    service
      .output()
      .split('\n')
      .filter(line => line.startsWith('{') && line.includes(`"level":${level},`))

  it('is one of https, also where it says how to call it', () => {
    expect(service.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    expect(service.output()).toContain(`"${service.url}/v1/issuances?profile=starter"`)
  })

  it.each([
    ['tls1_2', 'TLSv1.2'],
    ['tls1_3', 'TLSv1.3']
  ])('speaks %s', async (option, version) => {
    expect(await connect(option)).toEqual({ subject: 'first', version })
  })

  it('refuses tls1_1, also where a client would settle for weak ciphers', async () => {
    expect(await connect('tls1_1')).toEqual({ subject: undefined, version: undefined })
  })

  it('issues a certificate to curl', async () => {
    execFileSync('openssl', [
      ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', inDirectory('device.key'), '-out', inDirectory('device.csr'), '-subj', '/C=US/CN=tls-1']
    ])
    const answer = await asksWithCurl(
      ...['-H', `Authorization: Bearer ${await service.token('station')}`],
      ...['-H', 'Content-Type: application/pkcs10', '-H', 'Accept: application/pem-certificate-chain'],
      ...['--data-binary', `@${inDirectory('device.csr')}`, `${service.url}/v1/issuances?profile=starter`]
    )
    expect(answer).toContain('-----BEGIN CERTIFICATE-----')
  })

  it('says in /readyz how long the certificate is valid', async () => {
    const { checks } = JSON.parse(await asksWithCurl(`${service.url}/readyz`)) as Readiness
    expect(checks.tls).toMatchObject({ ok: true })
  })

  it('does not answer plain HTTP, and says so in the log', async () => {
    await expect(run('curl', ['-sS', `http://127.0.0.1:${port()}/healthz`])).rejects.toThrow()
    await expect.poll(() => logLines(40).join('\n')).toContain('ERR_SSL_HTTP_REQUEST')
  })

  it('takes new files up under load, with no request lost and no connection dropped', async () => {
    const ca = await readFile(inDirectory('both.pem'))
    const agent = new Agent({ keepAlive: true, maxSockets: 8, ca })
    const kept = new Set<unknown>()
    const failures: unknown[] = []
    let [answered, isOver] = [0, false]
    const ask = (options: object) =>
      new Promise<void>(resolve => {
        const sent = request(`${service.url}/healthz`, options, response => {
          response.resume().once('end', () => {
            if (response.statusCode === 200) answered++
            else failures.push(response.statusCode)
            resolve()
          })
        })
        sent.once('socket', socket => 'agent' in options && kept.add(socket))
        sent.once('error', error => (failures.push(error), resolve()))
        sent.end()
      })
    const load = Array.from({ length: 8 }, async (_, index) => {
      // Some keep their connection, some make a new one for each request.
      while (!isOver) await ask(index < 4 ? { agent } : { ca })
    })
    await show(second)
    await expect.poll(async () => (await connect('tls1_3')).subject).toBe('second')
    await show(first)
    await expect.poll(async () => (await connect('tls1_3')).subject).toBe('first')
    isOver = true
    await Promise.all(load)
    agent.destroy()
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(100)
    expect(kept.size).toBe(4)
  })

  it.each([
    ['do not belong together', async () => show({ ...second, keyFile: first.keyFile })],
    [
      'others can read',
      async () => {
        await show(second)
        await chmod(inDirectory('live/tls.key'), 0o644)
      }
    ],
    ['are gone', async () => rm(inDirectory('live'))]
  ])('keeps the pair it has where the new files %s, and says so once', async (_flaw, spoil) => {
    await show(first)
    await expect.poll(async () => (await connect('tls1_3')).subject).toBe('first')
    const before = logLines(50).length
    await spoil()
    await expect.poll(() => logLines(50).length).toBe(before + 1)
    expect(logLines(50).at(-1)).toContain('MINTLINE_TLS_')
    expect(await connect('tls1_2')).toMatchObject({ subject: 'first' })
    const { ready, checks } = JSON.parse(await asksWithCurl(`${service.url}/readyz`)) as Readiness
    expect([ready, checks.tls?.ok]).toEqual([true, false])
    expect(logLines(50)).toHaveLength(before + 1)
  })
})

describe('settings of TLS', needs('openssl'), () => {
  const given = (certificate: string, key: string) => ({
    MINTLINE_TLS_CERT_FILE: certificate,
    MINTLINE_TLS_KEY_FILE: key
  })
  const environment = () => ({ MINTLINE_DATA_DIR: inDirectory('data'), MINTLINE_PORT: '0' })

  it.each(['check-config', 'serve'])('are refused by name: %s', async command => {
    const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
      [given(first.certificateFile, second.keyFile), 'MINTLINE_TLS_KEY_FILE'],
      [given(first.keyFile, first.keyFile), 'MINTLINE_TLS_CERT_FILE'],
      [given(inDirectory('missing'), first.keyFile), 'MINTLINE_TLS_CERT_FILE'],
      [{ MINTLINE_TLS_CERT_FILE: first.certificateFile }, 'MINTLINE_TLS_KEY_FILE'],
      [{ MINTLINE_HOST: '0.0.0.0' }, 'MINTLINE_HOST'],
      [{ MINTLINE_HOST: '0.0.0.0', MINTLINE_TRUSTED_PROXIES: '10.0.0.0/33' }, 'MINTLINE_TRUSTED_PROXIES']
    ]
    for (const [settings, name] of cases) {
      const ended = await runMintline([command], { ...environment(), ...settings })
      expect(ended.exitCode).toBe(1)
      expect(codeOf(ended)).toBe('config_invalid')
      expect(namedSettings(ended)).toContain(name)
    }
  })

  it('are refused where others can read the key', async () => {
    await chmod(first.keyFile, 0o644)
    const settings = given(first.certificateFile, first.keyFile)
    const ended = await runMintline(['check-config'], { ...environment(), ...settings })
    await chmod(first.keyFile, 0o600)
    expect(ended.exitCode).toBe(1)
    expect(namedSettings(ended)).toEqual(['MINTLINE_TLS_KEY_FILE'])
    const mended = await runMintline(['check-config'], { ...environment(), ...settings })
    expect(mended.exitCode).toBe(0)
  })

  it.each([
    ['TLS', () => given(first.certificateFile, first.keyFile)],
    ['plain HTTP that is asked for', () => ({ MINTLINE_INSECURE_HTTP: 'on' })],
    ['a proxy in front', () => ({ MINTLINE_TRUSTED_PROXIES: '10.0.0.7, fd00::/8' })]
  ])('let it listen beyond this machine with %s', async (_what, settings) => {
    const ended = await runMintline(['check-config'], {
      ...environment(),
      MINTLINE_HOST: '0.0.0.0',
      ...settings()
    })
    expect(ended.exitCode).toBe(0)
  })
})

describe('mintline tls init', needs('openssl', 'curl'), () => {
  let data: TemporaryDirectory
  const environment = () => ({ MINTLINE_DATA_DIR: data.path })
  beforeAll(async () => {
    data = await createTemporaryDirectory()
  })
  afterAll(() => data.remove())

  it('makes what openssl verifies for each name, for its owner alone, and overwrites nothing', async () => {
    const names = ['plant.example', '2001:db8::7', '10.1.2.3']
    const args = ['tls', 'init', ...names.flatMap(name => ['--name', name])]
    expect((await runMintline(args, environment())).exitCode).toBe(0)
    const file = (name: string) => join(data.path, 'tls', name)
    for (const name of ['localhost', ...names]) {
      const check = /^[\d.]+$|:/.test(name) ? '-verify_ip' : '-verify_hostname'
      const purpose = ['-x509_strict', '-purpose', 'sslserver', check, name]
      const { stdout } = await run('openssl', [
        ...['verify', ...purpose, '-CAfile', file('ca.cert.pem'), file('server.cert.pem')]
      ])
      expect(stdout).toContain('OK')
    }
    const { stdout: modes } = await run('sh', ['-c', `stat -c %a "$1"/*`, '-', join(data.path, 'tls')])
    expect(modes.trim().split('\n')).toEqual(['600', '600', '600'])
    const before = await readFile(file('server.key.pem'), 'utf8')
    const again = await runMintline(args, environment())
    expect(again.exitCode).toBe(1)
    expect(await readFile(file('server.key.pem'), 'utf8')).toBe(before)
  })

  it('says settings and a curl line that work as they stand, and so does the service', async () => {
    const out = join(data.path, 'other folder')
    const made = await runMintline(['tls', 'init', '--out', out], environment())
    const exported = [...made.output.matchAll(/export (\w+)='?([^'\n]+)'?/g)].map(([, name, value]) => [
      name!,
      value!
    ])
    const service = await startServiceProcess(
      data.path,
      Object.fromEntries(exported) as Record<string, string>
    )
    try {
      const { port } = new URL(service.url)
      const line = /curl .*/.exec(made.output)![0].replace(':8080', `:${port}`)
      expect((await run('sh', ['-c', line])).stdout).toContain('"ready":true')
      const shown = /curl [^|]*?"https:\S+"/.exec(service.output().replaceAll('\\\n', ' '))![0]
      const csr =
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout device.key -out deviceCert.csr -subj '/C=US/CN=tls-2'"
      await run('sh', ['-ec', `cd "$1"; ${csr}; ${shown}`, '-', data.path])
      expect(await readFile(join(data.path, 'deviceCertAndCACert.crt'), 'utf8')).toContain(
        'BEGIN CERTIFICATE'
      )
    } finally {
      await service.end('SIGTERM')
    }
  })

  it.each([
    ['no word', ['tls']],
    ['another word', ['tls', 'make']],
    ['a name that is none', ['tls', 'init', '--name', 'a b']],
    ['too many days', ['tls', 'init', '--days', '3650']]
  ])('is refused with %s', async (_flaw, args) => {
    expect((await runMintline(args, environment())).exitCode).toBe(2)
  })
})
