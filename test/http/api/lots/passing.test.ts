import { describe, expect, it } from 'vitest'
import { passLooking } from '../../../../src/http/api/lots/devices/passing.ts'

async function* inPieces(body: Buffer, size: number, error?: Error) {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
  if (error !== undefined) throw error
}

const body = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `row ${index}\n`).join(''))

async function pass(size: number, error?: Error) {
  const parts: Uint8Array[] = []
  let longest = 0
  const look = async (bytes: Uint8Array) => void (longest = Math.max(longest, bytes.length))
  try {
    for await (const part of passLooking(inPieces(body, size, error), look)) parts.push(part)
  } catch (found) {
    expect(found).toBe(error)
  }
  return { passed: Buffer.concat(parts), longest }
}

describe('a body that is looked at as it comes', () => {
  it.each([1, 1_000, 16_384, 65_536, 1_000_000])('is passed on whole, in pieces of %i', async size => {
    const { passed, longest } = await pass(size)
    expect(passed.equals(body)).toBe(true)
    expect(longest).toBeLessThanOrEqual(32_768 + size)
  })

  it('is passed on as far as it came, with the error behind it', async () => {
    expect((await pass(1_000, new Error('cut off'))).passed.equals(body)).toBe(true)
  })

  it.each([1, 1_000, 65_536])('lets nothing pass of what is found, in pieces of %i', async size => {
    const found = 'row 9999\nrow 10000\n'
    const parts: Uint8Array[] = []
    const look = async (bytes: Uint8Array) => {
      if (Buffer.from(bytes).includes(found)) throw new RangeError('found')
    }
    const read = async () => {
      for await (const part of passLooking(inPieces(body, size), look)) parts.push(part)
    }
    await expect(read()).rejects.toThrow(RangeError)
    expect(Buffer.concat(parts).length).toBeLessThanOrEqual(body.indexOf(found))
  })
})
