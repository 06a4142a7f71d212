import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programVersion } from '../../src/config/version.ts'
import { needs } from '../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const launcher = fileURLToPath(new URL('../../mintline', import.meta.url))

/** What a Node.js is asked for: its version, or to run the program; this one tells how it was started. */
const fakeNode = (version: string) => `#!/bin/sh
[ "$1" = --version ] && { echo ${version}; exit 0; }
echo "$$"
printf '%s\\n' "$@"
`

let directory: TemporaryDirectory
let roots = 0

beforeAll(async () => {
  directory = await createTemporaryDirectory()
})

afterAll(() => directory.remove())

/** A checkout's launcher alone, in a directory with a blank in its name, and what stands beside it. */
async function makeCheckout({ pinned, own }: { readonly pinned?: string | null; readonly own?: string }) {
  const root = join(directory.path, `check out ${++roots}`)
  const bin = join(root, 'node_modules/.bin')
  const path = join(root, 'path')
  await mkdir(path, { recursive: true })
  for (const tool of ['readlink', 'dirname', 'find']) await symlink(`/usr/bin/${tool}`, join(path, tool))
  const executables: [string, string][] = []
  if (pinned !== undefined) await mkdir(bin, { recursive: true })
  if (pinned != null) executables.push([join(bin, 'node'), pinned])
  if (own !== undefined) executables.push([join(path, 'node'), fakeNode(own)])
  for (const [file, text] of executables) {
    await writeFile(file, text)
    await chmod(file, 0o755)
  }
  await copyFile(launcher, join(root, 'mintline'))
  return { root, command: join(root, 'mintline'), PATH: path }
}

function run(command: string, args: readonly string[], { cwd = '/', PATH = process.env['PATH'] } = {}) {
  const { stdout, stderr, status } = spawnSync(command, args, { cwd, env: { PATH }, encoding: 'utf8' })
  return { lines: stdout.split('\n').slice(0, -1), stderr, status }
}

describe('./mintline', () => {
  it('runs from another directory', () => {
    expect(run(launcher, ['version'])).toEqual({ lines: [programVersion], stderr: '', status: 0 })
  })

  it('runs through symbolic links, relative ones as well', async () => {
    const bin = join(directory.path, 'bin')
    await mkdir(join(bin, 'deeper'), { recursive: true })
    await symlink(launcher, join(bin, 'absolute'))
    await symlink('../absolute', join(bin, 'deeper/relative'))
    await symlink('deeper/relative', join(bin, 'mintline'))
    const own = { cwd: directory.path, PATH: `${bin}:${process.env['PATH']}` }
    for (const command of [join(bin, 'mintline'), 'bin/mintline', 'mintline']) {
      expect(run(command, ['version'], own)).toEqual({ lines: [programVersion], stderr: '', status: 0 })
    }
  })

  it('passes on the exit code', () => {
    expect(run(launcher, ['no-such-command']).status).toBe(2)
  })

  const shells = {
    dash: needs('dash'),
    'bash --posix': needs('bash'),
    'busybox sh': needs('busybox'),
    'zsh --emulate sh': needs('zsh'),
    ksh: needs('ksh')
  }
  for (const [shell, need] of Object.entries(shells)) {
    const [command = '', ...flags] = shell.split(' ')
    it(`runs in ${shell}`, need, () => {
      expect(run(command, [...flags, launcher, 'version']).lines).toEqual([programVersion])
    })
  }

  it('hands the arguments to the Node.js of its packages as they are, and becomes it', async () => {
    const { root, command, PATH } = await makeCheckout({ pinned: fakeNode('v26.10.0'), own: 'v24.3.0' })
    const child = spawn(command, ['token', 'a b', '', '*'], {
      env: { PATH },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const chunks = await child.stdout.toArray()
    expect(Buffer.concat(chunks).toString().split('\n')).toEqual([
      String(child.pid),
      join(root, 'src/main.ts'),
      'token',
      'a b',
      '',
      '*',
      ''
    ])
  })

  it('ends by the signal that it is sent', async () => {
    const { command, PATH } = await makeCheckout({
      pinned: '#!/bin/sh\n[ "$1" = --version ] || exec sleep 60\n'
    })
    const child = spawn(command, ['serve'], { env: { PATH: `${PATH}:/usr/bin:/bin` } })
    const spawned = join('/proc', String(child.pid), 'comm')
    await expect.poll(() => readFile(spawned, 'utf8'), { timeout: 10_000 }).toBe('sleep\n')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM'])
  })

  it('gives the service the room that `npm start` gives it', async () => {
    const { root, command, PATH } = await makeCheckout({ pinned: fakeNode('v26.10.0') })
    const { lines } = run(command, ['serve'], { PATH })
    expect(lines.slice(1)).toEqual(['--max-semi-space-size=32', join(root, 'src/main.ts'), 'serve'])
    const scripts: unknown = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8')
    )
    expect(scripts).toMatchObject({ scripts: { start: './mintline serve' } })
  })

  describe('starts what `npm ci` has put together', () => {
    const before = new Date('2026-01-01T00:00:00Z')
    const after = new Date('2026-01-01T00:00:01Z')

    /** @returns what was run, from its place in the checkout. */
    async function runMade({ change }: { readonly change?: (root: string) => Promise<unknown> }) {
      const { root, command, PATH } = await makeCheckout({ pinned: fakeNode('v26.10.0') })
      await mkdir(join(root, 'src/deeper'), { recursive: true })
      await mkdir(join(root, 'bundle'))
      const sources = ['package.json', 'package-lock.json', 'src/main.ts', 'src/deeper/other.ts']
      for (const file of [...sources, 'bundle/main.js', 'bundle/made-of-what-is-older']) {
        await writeFile(join(root, file), '')
      }
      for (const file of [...sources, 'src/deeper', 'src']) await utimes(join(root, file), before, before)
      await utimes(join(root, 'bundle/made-of-what-is-older'), after, after)
      await change?.(root)
      return run(command, ['version'], { PATH }).lines[1]?.slice(root.length + 1)
    }

    it('where nothing has changed since', async () => {
      expect(await runMade({})).toBe('bundle/main.js')
    })

    it.each<[string, (root: string) => Promise<unknown>]>([
      ['a source was changed', root => writeFile(join(root, 'src/deeper/other.ts'), '//')],
      ['a source was added', root => writeFile(join(root, 'src/deeper/new.ts'), '')],
      ['a source was removed', root => rm(join(root, 'src/deeper/other.ts'))],
      ['the packages are others', root => writeFile(join(root, 'package-lock.json'), '{}')],
      ['the version is another', root => writeFile(join(root, 'package.json'), '{}')],
      ['it was not finished', root => rm(join(root, 'bundle/made-of-what-is-older'))],
      ['there is no way to tell', root => rm(join(root, 'path/find'))]
    ])('but the sources where %s', async (_, change) => {
      expect(await runMade({ change })).toBe('src/main.ts')
    })
  })

  it.each(['v24.3.0', 'v24.10.1', 'v26.0.0', 'v100.0.0'])('takes a Node.js %s on the PATH', async own => {
    const { command, PATH } = await makeCheckout({ pinned: null, own })
    expect(run(command, ['version'], { PATH }).status).toBe(0)
  })

  it.each(['v24.2.0', 'v23.11.0', 'v20.20.2', 'v9.0.0', 'v0.12', 'Welcome'])('refuses %s', async own => {
    const { command, PATH } = await makeCheckout({ pinned: null, own })
    const { lines, stderr, status } = run(command, ['version'], { PATH })
    expect([lines, status]).toEqual([[], 1])
    expect(stderr).toContain('24.3')
    expect(stderr).toContain(own)
  })

  it('takes the one on the PATH where that of its packages is for another system', async () => {
    const { command, PATH } = await makeCheckout({ pinned: '\u007fELF of another system', own: 'v24.3.0' })
    expect(run(command, ['version'], { PATH }).status).toBe(0)
  })

  it('says when there is no Node.js', async () => {
    const { command, PATH } = await makeCheckout({ pinned: null })
    const { stderr, status } = run(command, ['version'], { PATH })
    expect([stderr, status]).toEqual([expect.stringContaining('Node.js 24.3 or newer is needed'), 1])
  })

  it('says what to do where the packages are not there', async () => {
    const { root, command, PATH } = await makeCheckout({ own: 'v26.10.0' })
    const { stderr, status } = run(command, ['version'], { PATH })
    expect([stderr, status]).toEqual([expect.stringContaining(`Run \`npm ci\` in ${root}`), 1])
  })

  it('asks for what package.json asks for', async () => {
    const packageJson = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8')
    ) as {
      engines: { node: string }
    }
    expect(packageJson.engines.node).toBe('>=24.3.0')
  })
})
