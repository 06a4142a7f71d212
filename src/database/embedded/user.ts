import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { MintlineError } from '../../errors/mintline-error.ts'

const run = promisify(execFile)

/** Under whose rights PostgreSQL runs. Empty: under ours. The shape of Node's spawn options. */
export type PostgresUser = { readonly uid: number; readonly gid: number } | Readonly<Record<string, never>>

const ownUser = 'mintline-db'

/**
 * PostgreSQL refuses to run as root. An ordinary user runs it under its own rights. Root gives it to the owner of
 * the cluster, if there is one already, or to the system's `postgres`, to a system user `mintline-db` made for it,
 * or, where none can be made, to `nobody`.
 */
export async function choosePostgresUser(clusterDirectory: string): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return {}
  const owner = await stat(clusterDirectory).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const user =
    (await findUser('postgres')) ??
    (await findUser(ownUser)) ??
    ((await createUser(ownUser)) ? await findUser(ownUser) : undefined) ??
    (await findUser('nobody'))
  if (user === undefined) {
    throw new MintlineError(
      'data_directory_unusable',
      'PostgreSQL does not run as root, and no user to run it as was found or could be made. ' +
        `Create a user "${ownUser}", start Mintline as an ordinary user, or set DATABASE_URL.`
    )
  }
  return user
}

/** Whether the user can get into the directory, by trying: access lists and mounts count as well as modes. */
export async function canEnter(user: PostgresUser, directory: string): Promise<boolean> {
  return succeeds('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], user)
}

/** Whether the command ends well under the user's rights. */
export async function succeeds(
  command: string,
  args: readonly string[],
  user: PostgresUser
): Promise<boolean> {
  return run(command, args, { ...user, cwd: '/', timeout: 10_000 }).then(
    () => true,
    () => false
  )
}

async function findUser(name: string): Promise<PostgresUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

/** With the tools of most distributions, or else with those of Alpine. */
async function createUser(name: string): Promise<boolean> {
  return (
    (await succeeds('useradd', ['--system', '--user-group', '--no-create-home', name], {})) ||
    (await succeeds('adduser', ['-S', '-D', '-H', name], {}))
  )
}
