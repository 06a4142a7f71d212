import { expect, it } from 'vitest'
import { ChunkMemory } from '../../../../src/status/crl/octets.ts'

const chunk = new Uint8Array(16 * 1024 * 1024)

it('what is forgotten while it is read does not count, so that others are kept', async () => {
  let read = 0
  const memory = new ChunkMemory({
    readChunk: async () => {
      read += 1
      return chunk
    }
  })
  for (let position = 0; position < 10; position++) {
    const reading = memory.read('replaced', position)
    memory.forget('replaced')
    await reading
  }
  await memory.read('newest', 0)
  await memory.read('newest', 0)
  expect(read).toBe(11)
})

it('of one that is read again meanwhile, the second reading counts alone', async () => {
  const replies: ((octets: Uint8Array) => void)[] = []
  const memory = new ChunkMemory({
    readChunk: () => new Promise<Uint8Array>(resolve => void replies.push(resolve))
  })
  const first = memory.read('newest', 0)
  memory.forget('newest')
  const second = memory.read('newest', 0)
  for (const reply of replies) reply(chunk)
  await Promise.all([first, second])
  void memory.read('newest', 1)
  replies.at(-1)!(chunk)
  await memory.read('newest', 1)
  // Both fit: neither is read again.
  void memory.read('newest', 0)
  void memory.read('newest', 1)
  expect(replies).toHaveLength(3)
})
