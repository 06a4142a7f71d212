import { globSync } from 'node:fs'
import { copyFile, lstat, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programScripts, root, writeBundle } from '../../../scripts/bundle/bundle.ts'

const prefix = 'mintline-test-program-'
const leftBehindAfterMs = 7 * 24 * 60 * 60 * 1000

/** The program of one run of the tests. */
export interface ProgramBuild {
  /** Holds `src/main.js` and `test/…-child.js`. */
  readonly directory: string
  /** Where Node keeps what it has compiled of them. */
  readonly compileCache: string
  /** Once more, from the sources as they are now. */
  rebuild(): Promise<void>
  remove(): Promise<void>
}

/**
 * Bundles the program, as `npm ci` does, and with it the scripts that tests have killed: tests start them hundreds of
 * times, and from the sources each start takes half a second more of the processor's time.
 *
 * Each run has a directory of its own, among the temporary files: others may run at the same time, and the checkout may
 * be somebody else's.
 *
 * @throws where a source does not compile, or a package cannot be moved; nothing is left behind
 */
export async function buildProgram(): Promise<ProgramBuild> {
  await removeLeftBehind()
  const directory = await realpath(await mkdtemp(join(tmpdir(), prefix)))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    await furnish(directory)
    await bundle(directory)
  } catch (error) {
    await remove()
    throw error
  }
  const compileCache = join(directory, 'node_modules/.cache/mintline')
  return { directory, compileCache, rebuild: () => bundle(directory), remove }
}

/** What the program finds around it: packages, migrations, its version. What Node compiles goes with the run. */
async function furnish(directory: string): Promise<void> {
  await copyFile(join(root, 'package.json'), join(directory, 'package.json'))
  await symlink(join(root, 'prisma'), join(directory, 'prisma'))
  const packages = join(root, 'node_modules')
  await mkdir(join(directory, 'node_modules'))
  for (const name of await readdir(packages)) {
    if (name.startsWith('.')) continue
    await symlink(join(packages, name), join(directory, 'node_modules', name))
  }
}

async function bundle(directory: string): Promise<void> {
  // Where it fails, no test is to pass on the former program.
  for (const part of ['src', 'test', 'parts', 'assets'])
    await rm(join(directory, part), { recursive: true, force: true })
  const children = globSync('test/**/*-child.ts', { cwd: root })
  await writeBundle({ scripts: [...programScripts, ...children], base: '', directory })
}

/** What runs that were killed have left: no run takes a week. That of others cannot be removed, and stays. */
async function removeLeftBehind(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue
    const path = join(tmpdir(), name)
    const age =
      Date.now() -
      (await lstat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Date.now()
      ))
    if (age > leftBehindAfterMs) await rm(path, { recursive: true, force: true }).catch(() => undefined)
  }
}
