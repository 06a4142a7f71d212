import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePem } from '../../../src/pki/pem/pem.ts'

/** Files for other people's tools. */
export function createToolbox(directory: string) {
  const path = (name: string) => join(directory, name)
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 28
    })
  return {
    write(name: string, label: 'CERTIFICATE' | 'X509 CRL', der: Uint8Array) {
      writeFileSync(path(name), encodePem(label, der))
      return name
    },
    run,
    /** All that it says, where it refuses as well. */
    say(command: string, ...args: string[]): string {
      const { stdout, stderr } = spawnSync(command, args, {
        cwd: directory,
        encoding: 'utf8',
        maxBuffer: 2 ** 28
      })
      return stdout + stderr
    }
  }
}
