import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleForBrowser } from './bundle.ts'

const source = fileURLToPath(new URL('../../src/', import.meta.url))

/** Node's side of `#crypto`, and the module that writes CA certificates, which no page has need of (ADR 16). */
const notForBrowsers = ['pki/crypto/node-crypto.ts', 'pki/certificate/authority/tbs-certificate.ts']

/** Paths of all modules of the pure folders that a page can have. */
export const pureModules: readonly string[] = globSync(
  ['pki/**/*.ts', 'jitp/**/*.ts', 'transparency/**/*.ts', 'evidence/**/*.ts'],
  { cwd: source }
)
  .filter(file => !notForBrowsers.includes(file))
  .sort()
  .map(file => source + file)

const entry = 'every-module'

/** All of them in one script, as `pure.module0` and so on, in the order of `pureModules`. */
export async function bundleWhole(): Promise<string> {
  const code = pureModules
    .map((file, index) => `export * as module${index} from ${JSON.stringify(file)}`)
    .join('\n')
  const virtual = {
    name: entry,
    resolveId: (id: string) => (id === entry ? entry : null),
    load: (id: string) => (id === entry ? code : null)
  }
  return bundleForBrowser(entry, [virtual])
}
