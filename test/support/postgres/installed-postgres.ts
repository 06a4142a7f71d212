import { execFile, execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Cluster, roleName } from '../../../src/database/embedded/cluster.ts'
import { shutDown, spawnServer, waitUntilReady } from '../../../src/database/embedded/server.ts'
import { choosePostgresUser } from '../../../src/database/embedded/user.ts'
import { createTemporaryDirectory } from '../temporary-directory.ts'
import { fastSettings, findPort } from './test-postgres.ts'

const password = 'of-a-test'

/**
 * The PostgreSQL that the system brings, of the major version of its `pg_dump`: that one refuses a newer server, such as the
 * embedded one.
 */
export async function startInstalledPostgres() {
  const directory = await createTemporaryDirectory()
  const [, major = ''] = /(\d+)\./.exec(execFileSync('pg_dump', ['--version'], { encoding: 'utf8' })) ?? []
  const binaries = {
    initdb: `/usr/lib/postgresql/${major}/bin/initdb`,
    postgres: `/usr/lib/postgresql/${major}/bin/postgres`
  }
  const home = join(directory.path, 'home')
  const cluster: Cluster = {
    directory: join(home, 'cluster'),
    logFile: join(directory.path, 'postgres.log'),
    user: await choosePostgresUser(home),
    binaries,
    password
  }
  await chmod(directory.path, 0o711)
  await make(cluster, home)
  const port = await findPort()
  const running = await spawnServer(cluster, { ...fastSettings, port: String(port) })
  await waitUntilReady(running, cluster, port)
  return {
    connectionString: `postgres://${roleName}:${password}@127.0.0.1:${port}/mintline`,
    async remove() {
      await shutDown(running)
      await directory.remove()
    }
  }
}

async function make({ directory, user, binaries }: Cluster, home: string): Promise<void> {
  await mkdir(home, { mode: 0o700 })
  const passwordFile = join(home, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (user.uid !== undefined) for (const path of [home, passwordFile]) await chown(path, user.uid, user.gid)
  const options = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', `--username=${roleName}`]
  await promisify(execFile)(binaries.initdb, [...options, `--pwfile=${passwordFile}`, directory], {
    ...user,
    cwd: '/',
    env: {}
  })
}
