/**
 * Writes the references that are made from code: openapi/openapi.yaml, docs/access.md, docs/errors.md and the settings in
 * README.md. With `--check` it writes nothing and exits with 1 when one of them is not what the code says.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import { stringify } from 'yaml'
import { renderSettingsTable } from '../src/config/description.ts'
import { createHttpServer } from '../src/http/app.ts'
import { renderErrorReference } from '../src/http/problems/error-reference.ts'
import type { HttpServices } from '../src/http/services.ts'
import { renderAccessReference } from './access-reference.ts'

const root = join(import.meta.dirname, '..')

export const references: Readonly<Record<string, () => Promise<string>>> = {
  'openapi/openapi.yaml': () => renderOf(app => stringify(app.swagger(), { aliasDuplicateObjects: false })),
  'docs/access.md': () => renderOf(app => renderAccessReference(app.rights)),
  'docs/errors.md': async () => renderErrorReference(),
  'README.md': renderReadme
}

/** The README with the table of settings as it is to be. */
async function renderReadme(): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const table = /^\| name \| default \| meaning \|\n(?:\|.*\n)+/m
  if (!table.test(readme)) throw new Error('README.md has no table of settings.')
  return readme.replace(table, () => renderSettingsTable())
}

async function renderOf(render: (app: FastifyInstance) => string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  // No route is called, so of the services nothing is needed but where metrics are counted.
  const app = await createHttpServer({ metrics: new Registry() } as HttpServices, {
    requestTimeoutMs: 1_000,
    headersTimeoutMs: 1_000,
    keepAliveTimeoutMs: 1_000,
    bodyLimitBytes: 1_024,
    maximumWaiting: 1,
    logLevel: 'silent',
    version
  })
  try {
    return render(app)
  } finally {
    await app.close()
  }
}

async function main(isCheck: boolean): Promise<void> {
  for (const [path, render] of Object.entries(references)) {
    const rendered = await render()
    const file = join(root, path)
    const written = await readFile(file, 'utf8').catch(() => undefined)
    if (written === rendered) continue
    if (isCheck) {
      console.error(`${path} is not what the code says. Run: npm run openapi`)
      process.exitCode = 1
    } else {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, rendered)
      console.log(`wrote ${path}`)
    }
  }
}

if (import.meta.main) await main(process.argv.includes('--check'))
