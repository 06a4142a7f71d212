import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a test file needs beyond its own process. */
export type Need = 'postgres' | 'processes' | 'sockets'

const root = fileURLToPath(new URL('../../', import.meta.url))

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

/** Our own modules as paths from the top of the repository, others as they are named. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(importPattern)].map(([, declared, called]) => {
    const specifier = declared ?? called ?? ''
    return specifier.startsWith('.') ? join(file, '..', specifier) : specifier
  })
}
