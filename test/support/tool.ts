import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'

const packages: Readonly<Record<string, string>> = {
  openssl: 'openssl',
  'softhsm2-util': 'softhsm2',
  mosquitto_pub: 'mosquitto-clients',
  certtool: 'gnutls-bin',
  certutil: 'libnss3-tools'
}

const known = new Map<string, boolean>()

/** True when the command is installed; prints once per run what is skipped without it. */
export function hasTool(name: string): boolean {
  const before = known.get(name)
  if (before !== undefined) return before
  const isInstalled = spawnSync('sh', ['-c', `command -v "${name}"`]).status === 0
  if (!isInstalled)
    console.warn(`skipped: ${name} is not installed (Debian package ${packages[name] ?? name})`)
  known.set(name, isInstalled)
  return isInstalled
}

/** True when the optional package is installed: npm leaves out what it cannot compile. Prints what is skipped without it. */
export function hasPackage(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    console.warn(`skipped: the npm package ${name} is not installed, since npm could not compile it`)
    return false
  }
}
