import { setFlagsFromString } from 'node:v8'

/**
 * Imported where Prisma is, since V8 reads it when WebAssembly is loaded: how long a function runs before it is compiled
 * once more, for speed. What there is of it, Prisma's query compiler, works at the first use of each query alone, as its
 * plans are kept; with V8's own number a start compiled it a second time as a whole, which was a fifth of the processor's
 * time that the start took. What truly runs for long is still made fast.
 */
setFlagsFromString('--wasm-tiering-budget=200000000')
