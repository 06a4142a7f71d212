import { toBase64 } from '../pki/der/octet-text.ts'
import type { Checkpoint } from './checkpoint.ts'

/** The text that a log signs, without extension lines: c2sp.org/tlog-checkpoint. What `readCheckpoint` reads. */
export function formatCheckpoint({ origin, size, root }: Omit<Checkpoint, 'note'>): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`
}
