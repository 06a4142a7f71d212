import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * Imported before what is large: Node keeps what it has compiled, keyed by the content of each file, and a start reads it
 * back. That takes a fifth off the start. The directory lies with the code and belongs to whom the code belongs, as what
 * lies in it is run; where it cannot be written, as in an image, nothing is kept. NODE_COMPILE_CACHE and
 * NODE_DISABLE_COMPILE_CACHE count before it.
 */
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/mintline', import.meta.url)))
