import { execFile, execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../support/needs/needs.ts'
import { sourceProgram } from '../support/program/program.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { expectWithin } from '../support/time-limit.ts'

const run = promisify(execFile)
let data: TemporaryDirectory
let desk: TemporaryDirectory
let service: ServiceProcess

beforeAll(async () => {
  data = await createTemporaryDirectory()
  desk = await createTemporaryDirectory()
  service = await startServiceProcess(data.path, {}, { program: sourceProgram, isFirst: true })
})

afterAll(async () => {
  await service.end('SIGTERM')
  await data.remove()
  await desk.remove()
})

const onDesk = (file: string) => join(desk.path, file)

/** The command that begins with a word, as the service printed it, continuation lines and all. */
function printedCommand(word: string): string {
  const command = new RegExp(`^  ${word} (?:.*\\\\\\n)*.*$`, 'm').exec(service.output())?.[0]
  expect(command, `the service prints a command that begins with ${word}`).toBeDefined()
  return command!
}

describe('a new user', () => {
  it(
    'pastes what the service printed and has a chain that openssl accepts',
    needs('openssl', 'curl'),
    async () => {
      await run('sh', ['-ec', printedCommand('openssl')], { cwd: desk.path })
      await run('sh', ['-ec', printedCommand('curl')], { cwd: desk.path })
      const chain = await readFile(onDesk('deviceCertAndCACert.crt'), 'utf8')
      const [device, authority] = chain
        .split(/(?<=-----END CERTIFICATE-----\n)/)
        .map(pem => new X509Certificate(pem))
      expect(device!.subject).toBe('C=US\nCN=device-0001')
      execFileSync(
        'sh',
        [
          '-ec',
          'tail -n +$(($(grep -n END deviceCertAndCACert.crt | head -1 | cut -d: -f1) + 1)) deviceCertAndCACert.crt > ca.pem'
        ],
        { cwd: desk.path }
      )
      const verified = await run(
        'openssl',
        ['verify', '-x509_strict', '-CAfile', 'ca.pem', 'deviceCertAndCACert.crt'],
        { cwd: desk.path }
      )
      expect(verified.stdout).toContain('OK')
      expect(device!.checkIssued(authority!)).toBe(true)
      expect(
        device!.checkPrivateKey(
          (await import('node:crypto')).createPrivateKey(await readFile(onDesk('device.key')))
        )
      ).toBe(true)
    }
  )

  it('has a chain that GnuTLS accepts', needs('openssl', 'curl', 'certtool'), async () => {
    const verified = await run('certtool', ['--verify-chain', '--infile', 'deviceCertAndCACert.crt'], {
      cwd: desk.path
    })
    expect(verified.stdout).toContain('Verified. The certificate is trusted.')
  })

  it('finds secrets in files for the owner alone, and none in what was printed', async () => {
    for (const file of ['admin-token', 'auditor-token', 'station-token', 'ca-passphrase']) {
      const path = join(data.path, file)
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect(service.output()).not.toContain((await readFile(path, 'utf8')).trim())
    }
    const [keyFile] = await readdir(join(data.path, 'authorities'))
    const keyPath = join(data.path, 'authorities', keyFile!)
    expect((await stat(keyPath)).mode & 0o777).toBe(0o600)
    expect(await readFile(keyPath, 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY')
  })
})

describe('a station', () => {
  it('gets the same bytes after a restart, which takes less than two seconds', needs('openssl'), async () => {
    const csr = await readFile(onDesk('deviceCert.csr'))
    const token = await service.token('station')
    const before = (await (await postCsr(service, token, csr)).json()) as object
    const seconds: number[] = []
    // Of what `npm ci` makes, which `./mintline` starts. The best of five: it is the program that is timed, and not what else the machine does.
    while (seconds.length < 5 && !seconds.some(each => each < 2)) {
      expect(await service.end('SIGTERM')).toBe(0)
      service = await startServiceProcess(data.path)
      seconds.push(service.secondsToReady)
    }
    const after = await postCsr(service, token, csr)
    expect(after.status).toBe(200)
    expect(await after.json()).toEqual({ ...before, replayed: true })
    expectWithin(Math.min(...seconds), 2)
  })

  it('may send the CSR with bare curl, and reads what is wrong with it', needs('curl'), async () => {
    const token = await service.token('station')
    const bad = [
      '-sS',
      '-H',
      `Authorization: Bearer ${token}`,
      '--data-binary',
      'no csr',
      `${service.url}/v1/issuances?profile=starter`
    ]
    const problem = JSON.parse((await run('curl', bad)).stdout) as { code: string; instance: string }
    expect(problem.code).toBe('csr_malformed')
    const record = await fetch(service.url + problem.instance, {
      headers: { authorization: `Bearer ${await service.token('auditor')}` }
    })
    expect(await record.json()).toMatchObject({ outcome: 'rejected', code: 'csr_malformed' })
  })
})

describe('operations', () => {
  it('sees a ready service and its metrics', needs('openssl', 'curl'), async () => {
    const ready = await fetch(`${service.url}/readyz`)
    expect(ready.status).toBe(200)
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    expect(metrics).toMatch(/mintline_authority_days_left\{authority="starter-g1"\} 9\d\d\d/)
    expect(metrics).toMatch(
      /mintline_issuances_total\{outcome="replayed",profile="starter",line="starter"\} 1/
    )
    expect(metrics).toMatch(/mintline_issuances_total\{outcome="csr_malformed",profile="",line=""\} 1/)
    expect(metrics).toContain('mintline_commit_group_size_bucket')
  })

  it('cannot start a second service on the same directory', async () => {
    await expect(
      startServiceProcess(data.path, {}, { program: sourceProgram, isFirst: true })
    ).rejects.toThrow(/data_directory_unusable/)
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200)
  })

  it('makes no starter set when told so', async () => {
    await using empty = await createTemporaryDirectory()
    const bare = await startServiceProcess(
      empty.path,
      { MINTLINE_STARTER: 'off' },
      { program: sourceProgram, isFirst: true }
    )
    expect(bare.output()).not.toContain('starter')
    expect((await readdir(empty.path)).filter(file => file.endsWith('-token'))).toEqual([])
    await bare.end('SIGTERM')
  })
})
