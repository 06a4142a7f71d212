import { expect, it } from 'vitest'
import { createCircuit } from '../../src/mes/circuit.ts'
import { createSeats } from '../../src/mes/seats.ts'

function openedCircuit() {
  const time = { ms: 0 }
  const circuit = createCircuit(() => time.ms)
  const fail = (times: number) => {
    for (let time = 0; time < times; time++) circuit.fail()
  }
  return { time, circuit, fail }
}

it('is paused by five failures in a row, and by no fewer', () => {
  const { circuit, fail } = openedCircuit()
  fail(4)
  circuit.close()
  fail(4)
  expect([circuit.waitMs(), circuit.isOpen]).toEqual([0, false])
  fail(1)
  expect([circuit.waitMs(), circuit.isOpen]).toEqual([1_000, true])
})

it('is tried by one after the pause, which doubles to half a minute while that fails', () => {
  const { time, circuit, fail } = openedCircuit()
  fail(5)
  const pauses = []
  for (let round = 0; round < 7; round++) {
    const wait = circuit.waitMs()
    pauses.push(wait)
    time.ms += wait
    expect([circuit.waitMs(), circuit.begin()]).toEqual([0, 0])
    expect(circuit.begin()).toBeGreaterThan(0)
    fail(1)
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  time.ms += circuit.waitMs()
  circuit.begin()
  circuit.close()
  expect([circuit.begin(), circuit.begin(), circuit.isOpen]).toEqual([0, 0, false])
})

it('is paused no longer for those that were under way when it was', () => {
  const { time, circuit, fail } = openedCircuit()
  fail(20)
  expect(circuit.waitMs()).toBe(1_000)
  time.ms = 500
  fail(5)
  expect(circuit.waitMs()).toBe(500)
})

it('has so many seats, and gives them in order', async () => {
  const seats = createSeats(2)
  const never = new AbortController().signal
  const order: number[] = []
  const take = async (number: number, signal = never) => {
    const leave = await seats.take(signal)
    order.push(number)
    return leave
  }
  const [first, second] = [await take(1), await take(2)]
  const impatient = new AbortController()
  const third = take(3, impatient.signal)
  const fourth = take(4)
  const fifth = take(5)
  impatient.abort(new Error('gave up'))
  await expect(third).rejects.toThrow('gave up')
  first()
  first()
  await fourth
  expect(order).toEqual([1, 2, 4])
  second()
  await fifth
  await expect(seats.take(AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
})
