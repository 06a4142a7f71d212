import { parentPort } from 'node:worker_threads'
import { productModulo, productOf, sharedFactors } from '../../pki/key/batch-gcd.ts'
import type { ComparisonTask } from './comparison.ts'

// A thread for the arithmetic, which takes minutes: see comparison.ts.
parentPort?.on('message', ({ moduli, others }: ComparisonTask) => {
  const product = productOf(moduli)
  const answer = others === undefined ? product : sharedFactors(moduli, productModulo(others, product))
  parentPort?.postMessage(answer)
})
