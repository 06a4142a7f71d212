import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../../support/needs/needs.ts'
import { openPage } from './page.ts'
import { type Following, startFollowing, type Terminal } from './terminal.ts'

const page = openPage('docs/operations.md')

let following: Following
let terminal: Terminal
let service: Following['service']

const at = (file: string) => join(terminal.directory, file)
const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: terminal.directory, encoding: 'utf8', stdio: 'pipe' })

async function send(path: string, contentType: string, body: string | Uint8Array) {
  const headers = { authorization: `Bearer ${await service.token('station')}`, 'content-type': contentType }
  return fetch(`${service.url}/v1${path}`, { method: 'POST', headers, body: Buffer.from(body) })
}

/** What certifies a device, or is refused. */
async function issue(name: string, profile = 'starter') {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
  openssl('req', '-new', ...key, '-out', `${name}.csr`, '-subj', `/C=US/CN=${name}`)
  return send(`/issuances?profile=${profile}`, 'application/pkcs10', await readFile(at(`${name}.csr`)))
}

/** One page, one service: each step finds what the ones before it have left, as whoever reads does. */
describe('the commands of docs/operations.md', needs('openssl', 'curl', 'bash'), () => {
  beforeAll(async () => {
    following = await startFollowing()
    ;({ terminal, service } = following)
  })

  afterAll(() => following.stop())

  it('make a station', async () => {
    const [block] = page.commands('Stations')
    expect(await terminal.paste(block!)).toMatch(/"enabled":true.*"issuedToday":0.*"enabled":false/s)
  })

  it('make a lot, follow and close it, and check what came of it', async () => {
    const [block, scrap] = page.commands('Lots')
    // The stream goes on; curl says so by its exit code.
    const followed = block!.replace(/^curl .*--max-time .*$/m, '$& || [ $? = 28 ]')
    expect(await terminal.paste(followed)).toContain('VALID: lot lot-2026-48')
    const { id } = (await (await issue('scrapped')).json()) as { id: string }
    expect(await terminal.paste(scrap!, id)).toContain('"scrapReason":"board is cracked"')
  })

  it('let a device that is back for rework have another certificate', async () => {
    const admin = {
      authorization: `Bearer ${await service.token('admin')}`,
      'content-type': 'application/json'
    }
    const starter = await fetch(`${service.url}/v1/profiles/starter`, { headers: admin })
    const { document } = (await starter.json()) as { document: object }
    const body = JSON.stringify({ ...document, name: 'reworked', reissue: 'supersede' })
    await fetch(`${service.url}/v1/profiles`, { method: 'POST', headers: admin, body })
    const { id } = (await (await issue('reworked', 'reworked')).json()) as { id: string }
    expect((await issue('reworked', 'reworked')).status).toBe(409)
    const [release] = page.commands('Rework')
    expect(await terminal.paste(release!, id)).toContain('"releaseReason":"antenna replaced"')
    expect((await issue('reworked', 'reworked')).status).toBe(201)
  })

  it('make, rotate and revoke a token of it', async () => {
    const [block] = page.commands('Tokens')
    expect(await terminal.paste(block!)).toMatch(/"secret":.*"items":.*"previousSecretUntil":/s)
  })

  it('make a token without one', async () => {
    const [block] = page.commands('The first token, and a lost one')
    await terminal.paste(block!)
    const authorization = `Bearer ${readFileSync(at('admin-token'), 'utf8').trim()}`
    expect((await fetch(`${service.url}/v1/tokens`, { headers: { authorization } })).status).toBe(200)
  })

  it('rotate a line, from the making of the successor to the end of the one before', async () => {
    const [block] = page.commands('Rotate without stopping the line')
    const output = await terminal.paste(block!)
    expect(output).toContain('"ready":true')
    expect(output).toMatch(/"state":"retired"/)
  })

  it('make an authority below an offline root', async () => {
    const [block] = page.commands('Below an offline root')
    const [ask, give] = block!.split(/(?<=\n)(?=# Have the root sign)/)
    await terminal.paste(ask!)
    await terminal.paste(
      `(umask 077; openssl rand -base64 30 > passphrase)
       ./mintline ceremony root --out root --subject CN=Root --passphrase-file passphrase
       ./mintline ceremony sign --root-key root/root.key.pem --root-certificate root/root.cert.pem \
         --passphrase-file passphrase --csr acme-devices-g1.csr --days 5475 --out acme-devices-g1`
    )
    expect(await terminal.paste(give!)).toMatch(/"state":"active"/)
  })

  it('import a CA', async () => {
    openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'],
      ...['-keyout', 'rootCA.key', '-subj', '/CN=Root CA', '-out', 'rootCA.pem']
    )
    const [block] = page.commands('A CA that exists already')
    await terminal.paste(block!)
    expect(await terminal.paste('curl -sS "$api/v1/authorities/acme-sensors-g1" -H "$admin"')).toContain(
      'staged'
    )
  })

  it('block a key', async () => {
    const id = (await (await issue('device')).json()) as { id: string }
    expect(id.id).toBeDefined()
    openssl('pkey', '-in', 'device.key', '-pubout', '-out', 'device.pub')
    const [block] = page.commands('Keys that are blocked')
    const sha256 = /[0-9a-f]{64}/.exec(
      await terminal.paste('openssl pkey -pubin -in device.pub -outform DER | sha256sum')
    )!
    const output = await terminal.paste(block!.replace('9f86d081…', sha256[0]))
    expect(output.match(new RegExp(sha256[0], 'g'))!.length).toBeGreaterThanOrEqual(4)
  })

  it('let a device of a compromised generation have another certificate', async () => {
    const { id } = (await (await issue('compromised')).json()) as { id: string }
    const [compromise, follow, release] = page.commands('A key that is lost')
    expect(await terminal.paste(compromise!)).toContain('"state":"compromised"')
    expect(await terminal.paste(follow!)).toMatch(/"lastCrl":.*"compromised":\["starter-g2"\]/s)
    expect(await terminal.paste('cat unprovisioned.csv')).toContain(id)
    expect(await terminal.paste(release!, id)).toContain('"releaseReason":"back for rework"')
  })

  it('let a paused station go on, and look through the keys', async () => {
    const [resume, audit] = page.commands('Weak keys')
    expect(await terminal.paste(resume!)).toContain('line-3-station-2')
    await terminal.paste(audit!)
  })

  it('find and purge what was refused', async () => {
    const refused = await send('/issuances?profile=starter', 'application/pkcs10', 'no CSR')
    const { issuanceId } = (await refused.json()) as { issuanceId: string }
    const [block] = page.commands('What must not be kept')
    expect(await terminal.paste(block!.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, issuanceId))).toContain(
      '"purgedAt"'
    )
    const [search, rebuild, rows] = page.commands('What was issued')
    expect(await terminal.paste(search!)).toContain(issuanceId)
    expect(await terminal.paste(rebuild!)).toMatch(/\d records can be searched anew/)
    await terminal.paste(rows!)
    expect(await terminal.paste('cat issuances.csv')).toContain(issuanceId)
    const [acts] = page.commands('Who did what')
    expect(await terminal.paste(acts!)).toContain('"act":"')
    const [counts] = page.commands('Refusals that are counted')
    expect(await terminal.paste(counts!)).toContain('"items":')
  })

  it('have the service speak TLS', async () => {
    const [init, ask] = page.commands('TLS')
    await terminal.paste(init!)
    const [, certificate] = /CERT_FILE=~\/(\S+)/.exec(init!)!
    const [, key] = /KEY_FILE=~\/(\S+)/.exec(init!)!
    const served = await following.start({
      MINTLINE_TLS_CERT_FILE: join(following.home, certificate!),
      MINTLINE_TLS_KEY_FILE: join(following.home, key!)
    })
    try {
      const port = new URL(served.url).port
      expect(await terminal.paste(ask!.replace('8080', port))).toContain('"ready":')
    } finally {
      await served.end('SIGTERM')
    }
  })

  it('let a station in by its certificate, until it is revoked', async () => {
    const [make, ask, revoke] = page.commands('Client certificates')
    await terminal.paste(make!)
    const [init] = page.commands('TLS')
    const [, certificate] = /CERT_FILE=~\/(\S+)/.exec(init!)!
    const [, key] = /KEY_FILE=~\/(\S+)/.exec(init!)!
    const served = await following.start({
      MINTLINE_TLS_CERT_FILE: join(following.home, certificate!),
      MINTLINE_TLS_KEY_FILE: join(following.home, key!),
      MINTLINE_TLS_CLIENT_CA_FILE: at('stations-ca.pem'),
      MINTLINE_TLS_CLIENT_CRL_FILE: at('stations.crl.pem')
    })
    try {
      const api = served.url.replace('127.0.0.1', 'localhost')
      const setUp = `api=${api}\nca=~/${certificate!.replace(/[^/]+$/, '')}ca.cert.pem\n`
      expect(await terminal.paste(setUp + ask!)).toContain('"items":[]')
      await terminal.paste(revoke!)
      const again = `${setUp}curl -sS --cacert "$ca" --cert station.pem --key station.key "$api/v1/issuances?limit=1" || true`
      await expect
        .poll(() => terminal.paste(again), { timeout: 20_000 })
        .toContain('client_certificate_refused')
    } finally {
      await served.end('SIGTERM')
    }
  })

  it('have certificates issued to stations, renewed by them, and ended', async () => {
    const [init] = page.commands('TLS')
    const [, certificate] = /CERT_FILE=~\/(\S+)/.exec(init!)!
    const [, key] = /KEY_FILE=~\/(\S+)/.exec(init!)!
    const served = await following.start({
      MINTLINE_TLS_CERT_FILE: join(following.home, certificate!),
      MINTLINE_TLS_KEY_FILE: join(following.home, key!),
      MINTLINE_STATION_CERTIFICATES: 'on'
    })
    try {
      const api = served.url.replace('127.0.0.1', 'localhost')
      const setUp = `api=${api}\nca=~/${certificate!.replace(/[^/]+$/, '')}ca.cert.pem\n`
      const [make, end] = page.commands('Certificates that Mintline issues to stations')
      expect(await terminal.paste(setUp + make!)).toContain('"days":90')
      await writeFile(at('station-token'), `${await served.token('station')}\n`)
      const [first, renew] = openPage('docs/station.md').commands("The station's own certificate")
      expect(await terminal.paste(setUp + first!)).toMatch(/"certificate":\{.*"renewAfter"/)
      expect(await terminal.paste(setUp + renew!)).toMatch(/"certificate":\{.*"renewAfter"/)
      const shown = openssl('x509', '-in', 'next.pem', '-noout', '-fingerprint', '-sha256')
      const fingerprint = shown.split('=')[1]!.trim().replaceAll(':', '').toLowerCase()
      await terminal.paste(setUp + end!.replaceAll('FINGERPRINT', fingerprint).replace(/^# .*\n/, ''))
      const asks = (name: string) =>
        `${setUp}curl -sS --cacert "$ca" --cert ${name}.pem --key ${name}.key "$api/v1/self" || true`
      expect(await terminal.paste(asks('next'))).toContain('client_certificate_refused')
      expect(await terminal.paste(asks('station'))).toContain('"role":"station"')
    } finally {
      await served.end('SIGTERM')
    }
  })

  it('take an old month out of the database, and put it back', async () => {
    const owner = new pg.Client({ connectionString: following.connectionString })
    await owner.connect()
    await owner.query(`SELECT ensure_partitions('2026-08-01', 1)`)
    await owner.end()
    const [detach, attach] = page.commands('Old months')
    expect(await terminal.paste(detach!)).toMatch(/2026-08 {2}attached.*2026-08 is detached/s)
    expect(await terminal.paste('./mintline months list')).toMatch(
      /2026-08 {2}detached .*still in this database/
    )
    expect(await terminal.paste(attach!)).toContain('2026-08 is attached; every row is as it was')
  })

  it('are all tried, but for those that need a device or an account that is not here', () => {
    expect(page.untried()).toEqual([
      'People who sign in elsewhere',
      'A key in AWS KMS',
      'A key on a PKCS#11 token',
      'Container'
    ])
    expect(existsSync(at('trust-bundle.pem'))).toBe(true)
  })
})
