import { readFileSync } from 'node:fs'

export interface ModuleProcess {
  readonly pid: number
  readonly commandLine: string
  readonly environment: string
}

/** The processes of PKCS#11 modules that a process has started (Linux). */
export function moduleProcessesOf(parent: number): readonly ModuleProcess[] {
  return readText(`/proc/${parent}/task/${parent}/children`)
    .split(' ')
    .filter(text => /^\d+$/.test(text))
    .map(text => ({
      pid: Number(text),
      commandLine: readText(`/proc/${text}/cmdline`),
      environment: readText(`/proc/${text}/environ`)
    }))
    .filter(({ commandLine }) => commandLine.includes('token-process'))
}

/** Empty when the process has ended meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
