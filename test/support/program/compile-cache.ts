import { inject } from 'vitest'

/** Read by Node in the programs that the tests of this process start. What it compiles of a build goes with the build. */
process.env['NODE_COMPILE_CACHE'] = inject('builtProgram').compileCache
