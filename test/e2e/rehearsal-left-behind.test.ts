import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { builtProgram } from '../support/program/program.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'

const program = builtProgram()
const endsWithinMs = 60_000

interface Played {
  readonly child: ChildProcess
  readonly output: () => string
  readonly temporary: string
}

/** Begins a rehearsal in a temporary directory of its own, and waits until it has printed this, or made that file. */
async function play(until: RegExp, args: readonly string[] = [], mode = 0o755): Promise<Played> {
  const folder = await createTemporaryDirectory()
  onTestFinished(() => folder.remove())
  chmodSync(folder.path, mode)
  const child = spawn(process.execPath, [program, 'rehearse', ...args], {
    env: { ...process.env, TMPDIR: folder.path },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const signs = () => [output, ...readdirSync(folder.path, { recursive: true })].join('\n')
  await vi.waitFor(() => expect(signs()).toMatch(until), { timeout: 60_000, interval: 5 })
  return { child, output: () => output, temporary: folder.path }
}

/** The directories and the processes that have to do with the directory: by command line, and by working directory. */
function leftIn(directory: string): readonly string[] {
  const processes = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        const traces = [
          readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
          readFileSync(`/proc/${pid}/environ`, 'utf8')
        ]
        return [`${traces[0]} ${traces[1]} ${readlinkSync(`/proc/${pid}/cwd`)}`]
      } catch {
        // It has ended in the meantime, or is not ours to look into.
        return []
      }
    })
    .filter(traces => traces.includes(directory))
  return [...readdirSync(directory), ...processes]
}

const expectNothingLeft = (directory: string) =>
  vi.waitFor(() => expect(leftIn(directory)).toEqual([]), { timeout: endsWithinMs, interval: 50 })

/** The process that plays the service, whose parent is the rehearsal. */
function serviceOf({ child }: Played): number {
  return Number(
    readdirSync('/proc').find(pid => {
      try {
        const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
        return Number(parent) === child.pid
      } catch {
        return false
      }
    })
  )
}

describe('mintline rehearse leaves nothing behind', () => {
  it.each([
    ['before its service runs', /Start the stand-in/],
    ['while its database is made', /cluster\.new/],
    ['while its service runs', /Post a profile/]
  ])('when it is killed %s', async (_when, until) => {
    const played = await play(until)
    played.child.kill('SIGKILL')
    await expectNothingLeft(played.temporary)
  })

  it('when its service is killed', async () => {
    const played = await play(/Start Mintline/)
    const ended = once(played.child, 'exit')
    process.kill(serviceOf(played), 'SIGKILL')
    expect(await ended).toEqual([1, null])
    await expectNothingLeft(played.temporary)
  })

  it('when nobody reads its output any more', async () => {
    const played = await play(/Start the stand-in/)
    const ended = once(played.child, 'exit')
    played.child.stdout!.destroy()
    expect(await ended).toEqual([1, null])
    expect(played.output()).not.toContain('EPIPE')
    await expectNothingLeft(played.temporary)
  })

  it('where the user of PostgreSQL cannot get to its directory, so that its files are elsewhere', async () => {
    const played = await play(/mintline-rehearsal-/, ['--json'], 0o700)
    const [name = ''] = readdirSync(played.temporary)
    const hash = createHash('sha256').update(join(played.temporary, name)).digest('hex')
    const elsewhere = join('/var/lib/mintline/clusters', hash.slice(0, 16))
    if (process.getuid?.() === 0) await vi.waitFor(() => expect(existsSync(elsewhere)).toBe(true), 30_000)
    played.child.kill('SIGKILL')
    await expectNothingLeft(played.temporary)
    expect(existsSync(elsewhere)).toBe(false)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'and the stand-in on its own, by %s',
    async signal => {
      const played = await play(/rehearsal\/log/, ['aws', '--port', '0', '--mqtt-port', '0'])
      const ended = once(played.child, 'exit')
      played.child.kill(signal)
      expect(await ended).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [0, null])
      await expectNothingLeft(played.temporary)
    }
  )
})

it('keeps a data directory that is there already', async () => {
  const folder = await createTemporaryDirectory()
  onTestFinished(() => folder.remove())
  const child = spawn(process.execPath, [program, 'rehearse', 'service'], {
    env: { ...process.env, MINTLINE_DATA_DIR: folder.path },
    stdio: 'ignore'
  })
  expect((await once(child, 'exit'))[0]).not.toBe(0)
  expect(readdirSync(join(folder.path, '..'))).toContain(folder.path.split('/').at(-1))
})
