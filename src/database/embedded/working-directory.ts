import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * A path by which the working directory of a process can be reached. Linux has one for each process; elsewhere `lsof`
 * tells, which macOS brings along.
 *
 * Throws when there is no such process, or it is another user's.
 */
export async function workingDirectoryOf(
  pid: number,
  platform: NodeJS.Platform = process.platform
): Promise<string> {
  if (platform === 'linux') return `/proc/${pid}/cwd`
  const { stdout } = await promisify(execFile)('lsof', ['-a', '-d', 'cwd', '-p', String(pid), '-Fn'], {
    timeout: 5_000,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
  })
  const name = stdout.split('\n').find(line => line.startsWith('n'))
  if (name === undefined) throw new Error(`lsof names no working directory of process ${pid}`)
  return name.slice(1)
}
