import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

const program = new URL('../../src/cli/serve.ts', import.meta.url)

/** Prints the addresses of all modules that the service has loaded when it starts. */
const tellLoaded = `
  const { registerHooks } = await import('node:module')
  const loaded = new Set()
  const resolve = (specifier, context, next) => {
    const found = next(specifier, context)
    loaded.add(found.url)
    return found
  }
  registerHooks({ resolve })
  await import(process.argv[1])
  process.stdout.write(JSON.stringify([...loaded]))
`

// Each is a tenth of a second, or two, of every start.
it('a service that starts loads no SDK of AWS, no PKCS#11 and no checks of TypeBox, which few need and later', () => {
  const args = ['--input-type=module', '--eval', tellLoaded, program.href]
  const loaded = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as string[]
  expect(loaded.some(url => url.includes('/node_modules/fastify/'))).toBe(true)
  const late = /node_modules\/(@aws-sdk|@smithy|pkcs11js|typebox\/build\/(value|compile))\//
  expect(loaded.filter(url => late.test(url))).toEqual([])
})
