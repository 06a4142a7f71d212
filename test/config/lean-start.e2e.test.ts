import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

/** Prints the addresses of all modules that some of ours have loaded. */
const tellLoaded = `
  const { registerHooks } = await import('node:module')
  const loaded = new Set()
  const resolve = (specifier, context, next) => {
    const found = next(specifier, context)
    loaded.add(found.url)
    return found
  }
  registerHooks({ resolve })
  for (const file of process.argv.slice(1)) await import(file)
  process.stdout.write(JSON.stringify([...loaded]))
`

function loadedBy(...files: readonly string[]): readonly string[] {
  const urls = files.map(file => new URL(`../../src/${file}`, import.meta.url).href)
  const args = ['--input-type=module', '--eval', tellLoaded, ...urls]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as string[]
}

// Each is a tenth of a second, or two, of every start.
it('a service that starts loads no SDK of AWS, no PKCS#11 and no checks of TypeBox, which few need and later', () => {
  const loaded = loadedBy('cli/serve.ts', 'composition/start/parts.ts')
  expect(loaded.some(url => url.includes('/node_modules/fastify/'))).toBe(true)
  const late = /node_modules\/(@aws-sdk|@smithy|pkcs11js|typebox\/build\/(value|compile))\//
  expect(loaded.filter(url => late.test(url))).toEqual([])
})

it('the embedded PostgreSQL starts before most of the program is loaded', () => {
  const loaded = loadedBy('cli/serve.ts')
  expect(loaded.some(url => url.endsWith('/embedded-postgres.ts'))).toBe(true)
  expect(loaded.filter(url => /node_modules\/(fastify|@prisma|pg-boss|typebox|pkijs)\//.test(url))).toEqual(
    []
  )
  expect(loaded.length).toBeLessThan(200)
})
