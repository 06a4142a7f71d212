import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** What other people's tools make of the answers: openssl ocsp and GnuTLS ocsptool, over HTTP as devices do. */
export function openAsking(url: string) {
  const folder = mkdtempSync(join(tmpdir(), 'mintline-ocsp-'))
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
  const run = async (command: string, args: readonly string[]) => {
    const child = spawn(command, args, { cwd: folder, env: { PATH: process.env['PATH'] } })
    const closed = new Promise<number | null>(resolve => child.on('close', resolve))
    // Which of two pipes is read first is chance: openssl tells on standard error whether the answer verifies, and then what it is.
    const [errors, told, status] = await Promise.all([text(child.stderr), text(child.stdout), closed])
    return { status, output: errors + told }
  }
  return {
    folder,
    file,
    run,
    /** @param authority file with the chain of the CA, nearest first. */
    openssl: (generation: string, authority: string, more: readonly string[]) =>
      run('openssl', [
        ...['ocsp', '-issuer', authority, '-CAfile', authority, '-url', `${url}/v1/ocsp/${generation}`],
        ...more
      ]),
    close: () => rmSync(folder, { recursive: true })
  }
}

/** What openssl writes into a request file. */
export async function makeRequest(
  asking: ReturnType<typeof openAsking>,
  authority: string,
  more: readonly string[]
): Promise<string> {
  const path = join(asking.folder, `${crypto.randomUUID()}.req`)
  const { status, output } = await asking.run('openssl', [
    ...['ocsp', '-issuer', authority, ...more, '-reqout', path]
  ])
  if (status !== 0) throw new Error(output)
  return path
}
