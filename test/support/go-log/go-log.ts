import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../../fixtures/transparency/go-log/main.go', import.meta.url))

/** Runs it with those arguments and that standard input. @returns what it prints. @throws with what it says on standard error. */
export type RunGo = (args: readonly string[], input?: string) => string

/**
 * Builds the log in Go, as Debian has its packages: beside the compiler, nothing fetched.
 *
 * @param directory that it is built in.
 */
export function buildGoLog(directory: string): RunGo {
  const program = join(directory, 'go-log')
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOPATH: '/usr/share/gocode',
    GOCACHE: join(directory, 'cache'),
    GOFLAGS: ''
  }
  execFileSync('go', ['build', '-o', program, source], { env, stdio: 'pipe' })
  return (args, input = '') =>
    execFileSync(program, args, {
      encoding: 'utf8',
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024
    })
}
