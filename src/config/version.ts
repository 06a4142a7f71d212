import { readFileSync } from 'node:fs'

const packageFile = new URL('../../package.json', import.meta.url)

/** Written by `npm run built-at`, with each version: no clock that is right shows an earlier time to this program. */
export const builtAt = new Date('2026-11-01T00:00:00Z')

/** The version in package.json. */
export const programVersion = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version
