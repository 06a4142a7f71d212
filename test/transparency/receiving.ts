import { naiveInclusion } from './naive-tree.ts'
import { checkpointText, signedCheckpoint, type TestKey } from './signing.ts'

export interface ReceiptMaking {
  readonly origin: string
  readonly entries: readonly Uint8Array[]
  readonly index: number
  readonly keys: readonly TestKey[]
  readonly extra?: string
  readonly time?: number
}

/** A receipt as a log makes it: c2sp.org/tlog-proof. */
export function makeReceipt({ origin, entries, index, keys, extra, time }: ReceiptMaking): string {
  const proof = naiveInclusion(index, entries).map(hash => `${hash.toBase64()}\n`)
  const head = `c2sp.org/tlog-proof@v1\n${extra === undefined ? '' : `extra ${extra}\n`}index ${index}\n`
  return `${head}${proof.join('')}\n${signedCheckpoint(checkpointText(origin, entries), keys, time)}`
}
