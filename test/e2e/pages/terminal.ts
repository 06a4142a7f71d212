import { execFile } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pathsOfTool } from '../../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase } from '../../support/test-database.ts'
import { root } from './page.ts'

const run = promisify(execFile)

/** A terminal in the directory of Mintline, on the machine of a service, of whoever follows the documentation. */
export interface Terminal {
  /** Where the commands write; the checkout's files that they read are there as well. */
  readonly directory: string
  /**
   * Pastes a block, piece by piece. Variables stay. Rejects where a command fails, or is answered with an error.
   *
   * @param id for the `ID` of the text; the first that the block has been answered with where it is not given.
   * @returns what was printed.
   */
  paste(block: string, id?: string): Promise<string>
}

/** The pages say port 8080, and the starter's usual data directory. */
const writtenPort = 8080
const dataDirectoryOfPages = '.local/share/mintline'

type Settings = Readonly<Record<string, string>>

/**
 * What whoever follows a page has: a service that runs, with a database of its own, and a terminal beside it.
 *
 * @param environment of the service and the terminal.
 */
export async function startFollowing(environment: Settings = {}) {
  const home = await createTemporaryDirectory()
  const test = await createTestDatabase()
  const settings = { DATABASE_URL: test.connectionString, MINTLINE_LOG_LEVEL: 'error', ...environment }
  const data = join(home.path, dataDirectoryOfPages)
  await mkdir(data, { recursive: true })
  const start = (more: Settings = {}) => startServiceProcess(data, { ...settings, ...more })
  const service = await start()
  return {
    home: home.path,
    /** Of the owner of its tables. */
    connectionString: test.connectionString,
    service,
    /** Another process of the service, beside it. */
    start,
    terminal: await openTerminal(home.path, service, { ...settings, MINTLINE_DATA_DIR: data }),
    async stop() {
      await service.end('SIGTERM')
      await test.drop()
      await home.remove()
    }
  }
}

export type Following = Awaited<ReturnType<typeof startFollowing>>

async function openTerminal(
  home: string,
  service: Pick<ServiceProcess, 'url'>,
  settings: Settings
): Promise<Terminal> {
  const directory = join(home, 'mintline')
  await mkdir(directory)
  for (const name of ['mintline', 'provisioning-template.json', 'test'])
    await symlink(join(root, name), join(directory, name))
  const tools = join(home, 'tools')
  await mkdir(tools)
  await writeFile(join(tools, 'curl'), curlTo(service.url))
  await chmod(join(tools, 'curl'), 0o755)
  const env = {
    ...process.env,
    ...settings,
    HOME: home,
    PATH: `${tools}:${process.env['PATH']}`
  }
  await writeFile(join(home, 'state'), `cd '${directory}'\n`)
  const pastePiece = async (piece: string) => {
    const keep =
      '{ declare -p api data admin auditor operator 2>/dev/null; printf "cd %q\\n" "$PWD"; } > ~/state || true'
    const { stdout, stderr } = await run('bash', ['-ec', `. ~/state\n${piece}\n${keep}`], { env })
    return stdout + stderr
  }
  return {
    directory,
    async paste(block, id) {
      let output = ''
      for (const piece of block.split(/\n\n+/)) {
        const known = id ?? /"id":"([^"]+)"/.exec(output)?.[1] ?? 'ID'
        output += await pastePiece(piece.replaceAll(/(?<=\/)ID(?=["/])/g, known))
      }
      return output
    }
  }
}

/** A curl that finds the service where the pages say that it is, and fails where it answers with an error. */
function curlTo(url: string): string {
  const [curl] = pathsOfTool('curl')
  const { port } = new URL(url)
  const lead = ['127.0.0.1', 'localhost'].map(host => `--connect-to ${host}:${writtenPort}:${host}:${port}`)
  return `#!/bin/sh\nexec ${curl} --fail-with-body ${lead.join(' ')} "$@"\n`
}
