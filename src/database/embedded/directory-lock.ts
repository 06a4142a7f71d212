import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { MintlineError } from '../../errors/mintline-error.ts'

export interface DirectoryLock {
  release(): Promise<void>
}

/**
 * Makes this process the only one to work on the directory, until it releases the lock or ends in whatever way.
 * Throws `data_directory_unusable`, naming the other process, when there is one.
 *
 * The proof is a listening socket in Linux's abstract namespace, named after the directory's device and inode. The
 * kernel gives a name to one process and takes it back when that process dies, so the lock cannot go stale and
 * there is no file to clean up. It reaches as far as the network namespace: two containers that share a volume do
 * not see each other's.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const { dev, ino } = await stat(directory, { bigint: true })
  const address = `\0mintline-data-${dev}-${ino}`
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.end(String(process.pid))
  })
  try {
    await listen(server, address)
  } catch (error) {
    throw new MintlineError(
      'data_directory_unusable',
      `Another Mintline (process ${await holderOf(address)}) is working on ${directory}.`,
      { cause: error }
    )
  }
  // The lock alone is no reason for the process to stay.
  server.unref()
  return {
    async release() {
      server.close()
      await once(server, 'close')
    }
  }
}

async function listen(server: Server, address: string): Promise<void> {
  server.listen(address)
  await once(server, 'listening')
}

/** The holder tells its process id to whoever connects, unless it hangs. */
async function holderOf(address: string): Promise<string> {
  const socket = connect(address)
  socket.setTimeout(1000, () => socket.destroy())
  const answer = await text(socket).catch(() => '')
  return /^\d+$/.test(answer) ? answer : 'unknown'
}
