import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageOfTool } from './needs.ts'

/** What a test file needs beyond its own process. */
export type Need = 'postgres' | 'processes' | 'sockets'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const importPattern =
  /^(?:import|export)\b(?!\s+type\b)(?:[^'";=]*\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm

const needsOfModules: readonly (readonly [RegExp, Need])[] = [
  [/^(node:)?child_process$/, 'processes'],
  [/^node:(net|tls|http|http2|https|dgram)$/, 'sockets'],
  [
    /^src\/rehearsal\/(kms\/kms-stand-in|iot\/(iot-stand-in|control-plane\/control-plane|gateway\/device-gateway))\.ts$/,
    'sockets'
  ],
  [/^pg$|^test\/support\/(postgres\/)?test-(database|postgres)\.ts$|^src\/database\/embedded\//, 'postgres']
]

/**
 * What the file needs, judged by what it imports, directly or through other files below `test/`. Imports of types do not
 * count, nor what the imported source could do and a test does not ask of it.
 *
 * @param file path from the top of the repository
 */
export function needsOf(file: string, seen = new Set<string>()): ReadonlySet<Need> {
  const needs = new Set<Need>()
  for (const imported of importsOf(file)) {
    for (const [pattern, need] of needsOfModules) if (pattern.test(imported)) needs.add(need)
    if (!imported.startsWith('test/') || seen.has(imported)) continue
    seen.add(imported)
    for (const need of needsOf(imported, seen)) needs.add(need)
  }
  return needs
}

/** The tools that the file runs, itself or through other files below `test/`, without a word of `needs` for them. */
export function undeclaredToolsOf(file: string): readonly string[] {
  if (!needsOf(file).has('processes')) return []
  const declarations = /\b(?:needs\([^)]*\)|needsSoftHsm\b)/g
  const own = readText(file)
  const declared = (own.match(declarations) ?? []).join().replaceAll('needsSoftHsm', "'softhsm2-util'")
  const texts = [own.replaceAll(declarations, ''), ...helpersOf(file).map(readText)]
  return Object.keys(packageOfTool)
    .map(tool => `'${tool}'`)
    .filter(tool => texts.some(text => text.includes(signOf(tool))) && !declared.includes(tool))
}

/** `mintline aws` and `mintline rehearse aws` are ours: there the word comes among arguments, and is not what is run. */
const signOf = (tool: string) => (tool === "'aws'" ? `(${tool}` : tool)

function helpersOf(file: string): readonly string[] {
  const files = new Set([file])
  for (const each of files)
    for (const imported of importsOf(each)) if (imported.startsWith('test/')) files.add(imported)
  return [...files].filter(each => each !== file && each !== 'test/support/needs/needs.ts')
}

const readText = (file: string) => readFileSync(join(root, file), 'utf8')

/** Our own modules as paths from the top of the repository, others as they are named. */
function importsOf(file: string): readonly string[] {
  return [...readText(file).matchAll(importPattern)].map(([, declared, called]) => {
    const specifier = declared ?? called ?? ''
    return specifier.startsWith('.') ? join(file, '..', specifier) : specifier
  })
}
