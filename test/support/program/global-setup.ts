import type { TestProject } from 'vitest/node'
import { buildProgram, type ProgramBuild } from './build.ts'

declare module 'vitest' {
  interface ProvidedContext {
    builtProgram: Pick<ProgramBuild, 'directory' | 'compileCache'>
  }
}

/** Each project loads this file anew: what they share is kept with the process. */
const shared = globalThis as { mintlineTestProgram?: Promise<ProgramBuild> | undefined }

/** One build for all projects of the run that start the program. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  if (!shared.mintlineTestProgram) {
    shared.mintlineTestProgram = buildProgram()
    // `vitest` without `run` goes on after a change of the sources.
    project.onTestsRerun(async () => {
      await (await shared.mintlineTestProgram)?.rebuild().catch((error: unknown) => {
        console.error('The program could not be built from the changed sources:', error)
      })
    })
  }
  const { directory, compileCache } = await shared.mintlineTestProgram
  project.provide('builtProgram', { directory, compileCache })
  return async () => {
    const build = shared.mintlineTestProgram
    shared.mintlineTestProgram = undefined
    await (await build)?.remove()
  }
}
