/**
 * Puts the program into the few files of `bundle/`, which `./mintline` starts as long as they are newer than the sources.
 * `npm ci` runs it.
 *
 *   node scripts/bundle.ts
 */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { programScripts, root, writeBundle } from './bundle/bundle.ts'

const place = join(root, 'bundle')
const made = await mkdtemp(`${place}-`)
try {
  // Older than any source that is changed while the bundle is made of it.
  await writeFile(join(made, 'made-of-what-is-older'), '')
  await writeBundle({ scripts: programScripts, base: 'src', directory: made })
  await rm(place, { recursive: true, force: true })
  await rename(made, place)
} catch (error) {
  // Of a former state of node_modules, which nobody could tell by its age.
  await rm(place, { recursive: true, force: true })
  await rm(made, { recursive: true, force: true })
  throw error
}
