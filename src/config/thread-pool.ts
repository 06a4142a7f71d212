import { availableParallelism } from 'node:os'

/**
 * Imported before everything else, since libuv reads the variable at the first use of its pool. Signatures are made
 * and verified there. Its default of four threads makes them fight the event loop for the cores: on two cores an
 * issuance took up to a fifth longer. One core is left to the loop; an operator's own number counts.
 */
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(1, availableParallelism() - 1))
