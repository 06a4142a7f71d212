import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export const cfsslPath = '/api/v1/cfssl/sign'
const port = 18_899

export function hasCfssl(): boolean {
  return spawnSync('cfssl', ['version']).status === 0 && spawnSync('cfssljson', ['-help']).error === undefined
}

/** `cfssl serve` with an EC P-256 CA and no certificate store: it signs, and keeps nothing. */
export async function startCfssl(): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'cfssl-bench-'))
  await writeFile(
    join(directory, 'ca.json'),
    JSON.stringify({ CN: 'Peer CA', key: { algo: 'ecdsa', size: 256 } })
  )
  const signing = { default: { expiry: '8760h', usages: ['digital signature', 'client auth'] } }
  await writeFile(join(directory, 'config.json'), JSON.stringify({ signing }))
  execFileSync('sh', ['-c', 'cfssl genkey -initca ca.json 2>/dev/null | cfssljson -bare ca'], {
    cwd: directory
  })
  const args = [
    'serve',
    '-address',
    '127.0.0.1',
    '-port',
    String(port),
    '-loglevel',
    '5',
    '-config',
    'config.json'
  ]
  const peer = spawn('cfssl', [...args, '-ca', 'ca.pem', '-ca-key', 'ca-key.pem'], {
    cwd: directory,
    stdio: 'ignore'
  })
  await untilItListens()
  return {
    port,
    async stop() {
      peer.kill()
      await once(peer, 'exit')
      await rm(directory, { recursive: true, force: true })
    }
  }
}

async function untilItListens(): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}${cfsslPath}`, { method: 'POST' }).catch(
      () => undefined
    )
    if (answer !== undefined) return
    await delay(100)
  }
  throw new Error('cfssl did not start')
}
