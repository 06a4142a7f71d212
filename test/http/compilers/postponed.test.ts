import { expect, it, vi } from 'vitest'
import { Postponed } from '../../../src/http/compilers/postponed.ts'

const soon = { firstMs: 20, nextMs: 1 }

it('makes a thing once, for whoever needs it first', () => {
  const postponed = new Postponed()
  const make = vi.fn(() => 'made')
  const provide = postponed.postpone(make)
  expect(make).not.toHaveBeenCalled()
  expect([provide(), provide()]).toEqual(['made', 'made'])
  expect(make).toHaveBeenCalledOnce()
})

it('makes in the end what nobody has needed, and nothing twice', async () => {
  const postponed = new Postponed()
  const makes = [vi.fn(), vi.fn(), vi.fn()]
  const [first] = makes.map(make => postponed.postpone(make))
  first!()
  const rest = postponed.makeRest(new AbortController().signal, soon)
  expect(makes.map(make => make.mock.calls.length)).toEqual([1, 0, 0])
  await rest
  expect(makes.map(make => make.mock.calls.length)).toEqual([1, 1, 1])
})

it('makes no more once the server closes', async () => {
  const postponed = new Postponed()
  const closing = new AbortController()
  const make = vi.fn(() => closing.abort())
  for (let count = 0; count < 3; count++) postponed.postpone(make)
  await postponed.makeRest(closing.signal, soon)
  expect(make).toHaveBeenCalledOnce()
  await postponed.makeRest(closing.signal, soon)
  expect(make).toHaveBeenCalledOnce()
})
