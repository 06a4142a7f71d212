import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The program as it is in the checkout, for Node to run. */
export const sourceProgram = join(root, 'src/main.ts')

/** The same as a bundle, which is what `npm ci` makes and `./mintline` starts. */
export const builtProgram = () => builtOf(sourceProgram)

/** A script `…-child.ts` of the tests, as the run has built it. */
export const builtChild = (source: URL) => builtOf(fileURLToPath(source))

function builtOf(source: string): string {
  return join(inject('builtProgram').directory, relative(root, source).replace(/\.ts$/, '.js'))
}
