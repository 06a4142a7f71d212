import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { CrlReaders } from '../../../../src/http/api/authorities/crl/readers.ts'
import { WholeLists } from '../../../../src/http/api/authorities/crl/whole-lists.ts'

const mebibyte = 1024 * 1024

async function* mebibytes(count: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < count; sent++) yield new Uint8Array(mebibyte)
}

function openReaders() {
  const state = { nowMs: 0 }
  const readers = new CrlReaders(() => state.nowMs)
  const open = (address: string) => {
    const stream = readers.open(address, mebibytes(4))
    stream.on('error', () => undefined)
    return stream
  }
  return { state, readers, open }
}

const overloaded = expect.objectContaining({ code: 'overloaded', retryAfterSeconds: 5 }) as Error

it('of one address no more than a part read at once', () => {
  const { readers, open } = openReaders()
  for (let count = 0; count < 8; count++) open('10.0.0.1')
  expect(() => open('10.0.0.1')).toThrow(overloaded)
  open('10.0.0.2')
  expect(readers.size).toBe(9)
})

it('who trickles makes way for others, the slowest first, and denies it to nobody', async () => {
  const { state, readers, open } = openReaders()
  const trickling = Array.from({ length: 32 }, (_each, index) => open(`10.0.0.${index >> 3}`))
  expect(() => open('10.0.1.1')).toThrow(overloaded)
  state.nowMs = 1_000
  for (let part = 0; part < 3; part++) {
    for (const reader of trickling.slice(1)) reader.read()
    await turn()
  }
  state.nowMs = 2_500
  open('10.0.1.1')
  await turn()
  expect(trickling.map(({ destroyed }) => destroyed)).toEqual(trickling.map((_each, index) => index === 0))
  expect(readers.size).toBe(32)
  expect(() => open('10.0.1.1')).toThrow(overloaded)
})

it('who takes nothing is cut off, and who reads on is not', async () => {
  const { state, readers, open } = openReaders()
  const [idle, reading] = [open('10.0.0.1'), open('10.0.0.2')]
  let octets = 0
  for (state.nowMs = 0; state.nowMs <= 20_000; state.nowMs += 5_000) {
    for (let piece = reading.read() as Buffer | null; piece !== null; piece = reading.read() as Buffer | null)
      octets += piece.length
    await turn()
    readers.sweep()
  }
  expect([idle.destroyed, reading.destroyed]).toEqual([true, false])
  expect(octets).toBeGreaterThan(0)
})

it('nobody reads for longer than octets are kept', async () => {
  const { state, readers, open } = openReaders()
  const reading = open('10.0.0.1')
  for (state.nowMs = 0; !reading.destroyed && state.nowMs < 600_000; state.nowMs += 10_000) {
    reading.read(65_536)
    await turn()
    await turn()
    readers.sweep()
  }
  expect(state.nowMs).toBeGreaterThan(240_000)
  expect(state.nowMs).toBeLessThan(270_000)
  expect(readers.size).toBe(0)
})

it('who has read all leaves', async () => {
  const { readers, open } = openReaders()
  let octets = 0
  for await (const part of open('10.0.0.1')) octets += (part as Buffer).length
  expect([octets, readers.size]).toEqual([4 * mebibyte, 0])
})

it('who reads a small list at once shares its octets, and what was asked for long ago goes', async () => {
  const lists = new WholeLists()
  let reads = 0
  const read = () => {
    reads += 1
    return mebibytes(1)
  }
  const find = (etag: string) => lists.find(etag, mebibyte, read)
  const [one, other] = await Promise.all([find('one'), find('one')])
  expect(one).toBe(other)
  expect(await find('one')).toBe(one)
  for (let count = 0; count < 15; count++) await find(`other ${count}`)
  expect(await find('one')).toBe(one)
  expect(reads).toBe(16)
  for (let count = 0; count < 16; count++) await find(`another ${count}`)
  expect(await find('one')).not.toBe(one)
})

it('a small list that could not be read is read again', async () => {
  const lists = new WholeLists()
  const fail = async function* () {
    await turn()
    throw new Error('away')
    yield new Uint8Array()
  }
  await expect(lists.find('one', mebibyte, fail)).rejects.toThrow('away')
  expect((await lists.find('one', mebibyte, () => mebibytes(1))).length).toBe(mebibyte)
})
