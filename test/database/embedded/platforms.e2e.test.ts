import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { nativePackageName } from '../../../src/database/embedded/binaries.ts'
import { workingDirectoryOf } from '../../../src/database/embedded/working-directory.ts'
import { needs } from '../../support/needs/needs.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const { optionalDependencies, allowScripts, scripts } = JSON.parse(read('package.json')) as {
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
  readonly scripts: Readonly<Record<string, string>>
}
const { packages } = JSON.parse(read('package-lock.json')) as {
  readonly packages: Readonly<
    Record<string, { readonly os?: readonly string[]; readonly cpu?: readonly string[] }>
  >
}

const platforms = [
  { platform: 'linux', arch: 'x64' },
  { platform: 'linux', arch: 'arm64' },
  { platform: 'darwin', arch: 'x64' },
  { platform: 'darwin', arch: 'arm64' }
] as const

describe.each(platforms)('on $platform-$arch', on => {
  it('npm brings a PostgreSQL for it alone, and lets it make the names of its libraries', () => {
    const name = nativePackageName(on)
    expect(optionalDependencies).toHaveProperty([name])
    expect(allowScripts[name]).toBe(true)
    expect(packages[`node_modules/${name}`]).toMatchObject({ os: [on.platform], cpu: [on.arch] })
  })

  it('a Node.js that npm brings is the pinned one; where it brings none, that of the user serves', () => {
    const major = `${read('.nvmrc').trim()}.`
    const pinned = optionalDependencies[`node-${on.platform}-${on.arch}`]
    // The registry has no current one for this platform; the launcher then takes the one on the PATH.
    if (on.platform === 'darwin' && on.arch === 'arm64') expect(pinned).toBeUndefined()
    else expect(pinned?.startsWith(major)).toBe(true)
  })
})

it('elsewhere there is none', () => {
  expect(optionalDependencies).not.toHaveProperty([nativePackageName({ platform: 'win32', arch: 'x64' })])
})

/** Files in which something of Linux alone may stand: it has another way elsewhere, or needs none. */
const linuxToo = ['database/embedded/working-directory.ts']

it('nothing of Linux alone is on the way of the two commands', () => {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    file => file.endsWith('.ts') && !file.includes('generated') && !linuxToo.includes(file)
  )
  const found = sources.filter(file => /['"`](\/proc\/|\/bin\/true|\\0mintline)/.test(read(`src/${file}`)))
  expect(found).toEqual([])
  for (const script of Object.values(scripts)) expect(script).not.toContain('/bin/true')
  expect(read('mintline')).not.toMatch(/\/proc\/|readlink -f [^`]/)
})

it('the working directory of a process is asked of the system that it runs on', needs('lsof'), async () => {
  const child = spawn('sleep', ['30'], { cwd: '/usr', stdio: 'ignore' })
  try {
    await once(child, 'spawn')
    const { ino } = await stat('/usr')
    for (const platform of ['linux', 'darwin'] as const) {
      expect((await stat(await workingDirectoryOf(child.pid!, platform))).ino).toBe(ino)
    }
  } finally {
    child.kill()
  }
  await expect(workingDirectoryOf(2 ** 22 + 1, 'darwin')).rejects.toThrow()
})
