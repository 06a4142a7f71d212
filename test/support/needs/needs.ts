import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import type { TestOptions } from 'vitest'

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test, or all of its group, is skipped. */
    skippedFor?: string
  }
}

/** Other people's tools that tests run, each with the Debian package that brings it. `.ci/run` installs them all. */
export const packageOfTool = {
  openssl: 'openssl',
  curl: 'curl',
  lsof: 'lsof',
  'ssh-keygen': 'openssh-client',
  certtool: 'gnutls-bin',
  ocsptool: 'gnutls-bin',
  'softhsm2-util': 'softhsm2',
  mosquitto_pub: 'mosquitto-clients',
  dash: 'dash',
  bash: 'bash',
  busybox: 'busybox',
  zsh: 'zsh',
  ksh: 'ksh',
  chromium: 'chromium',
  faketime: 'faketime',
  aws: 'awscli',
  cc: 'gcc',
  python3: 'python3',
  nginx: 'nginx',
  go: 'golang-go'
} as const

export type Tool = keyof typeof packageOfTool

/** True where the command is on the PATH. */
export function hasTool(tool: Tool): boolean {
  return pathsOfTool(tool).length > 0
}

/** Each file on the PATH that is the command, the one that a shell takes first. */
export function pathsOfTool(tool: Tool): readonly string[] {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map(directory => join(directory, tool))
    .filter(file => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/**
 * Options of a test, or of a group, that runs these tools. Where one of them is not there it is skipped, which the end of
 * the run tells.
 */
export function needs(...tools: readonly Tool[]): TestOptions {
  return skipFor(tools.flatMap(whyWithout))
}

/** No reason where the tool is there. */
export function whyWithout(tool: Tool): readonly string[] {
  return hasTool(tool) ? [] : [`without ${tool} (Debian package ${packageOfTool[tool]})`]
}

/** No reason where the optional package is there: npm leaves out what it cannot compile. */
export function whyWithoutPackage(name: string): readonly string[] {
  try {
    createRequire(import.meta.url).resolve(name)
    return []
  } catch {
    return [`without the npm package ${name}, which npm could not compile`]
  }
}

/** Options of a test, or of a group, that is skipped if there is a reason. */
export function skipFor(reasons: readonly string[]): TestOptions {
  return reasons.length === 0 ? {} : { skip: true, meta: { skippedFor: reasons.join(' and ') } }
}
