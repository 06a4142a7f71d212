import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isMintlineError } from '../../../../src/errors/mintline-error.ts'
import { createBatchAdmission } from '../../../../src/http/api/batch/admission.ts'
import { type Batch, streamAnswers } from '../../../../src/http/api/batch/batch.ts'
import { type Line, readLines } from '../../../../src/http/api/batch/lines.ts'

async function linesOf(chunks: readonly string[], changes: Partial<Parameters<typeof readLines>[1]> = {}) {
  let isWhole = false
  const limits = {
    maximumLineBytes: 10,
    maximumLines: 5,
    signal: new AbortController().signal,
    onWhole: () => void (isWhole = true),
    ...changes
  }
  const lines: (readonly [number, string | undefined])[] = []
  for await (const { number, bytes } of readLines(
    Readable.from(chunks.map(each => Buffer.from(each))),
    limits
  ))
    lines.push([number, bytes?.toString()])
  return { lines, isWhole }
}

describe('the lines of a request', () => {
  it.each<[string, string[], (readonly [number, string | undefined])[]]>([
    [
      'in one piece',
      ['a\nb\nc\n'],
      [
        [1, 'a'],
        [2, 'b'],
        [3, 'c']
      ]
    ],
    [
      'in pieces that end anywhere',
      ['a', 'a\n', '\nb', 'b\ncc'],
      [
        [1, 'aa'],
        [3, 'bb'],
        [4, 'cc']
      ]
    ],
    [
      'with line ends of Windows',
      ['a\r\n\r\nb\r\n'],
      [
        [1, 'a\r'],
        [3, 'b\r']
      ]
    ],
    ['blank at the end', ['a\n \t\n'], [[1, 'a']]],
    ['none', [], []],
    [
      'of the greatest length',
      ['0123456789\nb'],
      [
        [1, '0123456789'],
        [2, 'b']
      ]
    ],
    [
      'one too long',
      ['a\n0123', '4567', '89!\nb\n'],
      [
        [1, 'a'],
        [2, undefined],
        [3, 'b']
      ]
    ],
    [
      'the last too long',
      ['a\n0123456789!'],
      [
        [1, 'a'],
        [2, undefined]
      ]
    ]
  ])('are told apart: %s', async (_name, chunks, expected) => {
    expect(await linesOf(chunks)).toEqual({ lines: expected, isWhole: true })
  })

  it.each(['1\n2\n3\n4\n5\n6\n7\n', '1\n2\n3\n4\n5\n6', '\n\n\n\n\n6\n7'])(
    'beyond the most that are taken are not, and the first of them is told: %j',
    async text => {
      const { lines, isWhole } = await linesOf([text])
      expect([lines.at(-1), isWhole]).toEqual([[6, undefined], false])
    }
  )

  it('end at once when nobody wants them, though the request goes on', async () => {
    const stop = new AbortController()
    const endless = new Readable({ read: () => undefined })
    endless.push('a\n')
    const lines = readLines(endless, {
      maximumLineBytes: 10,
      maximumLines: 5,
      signal: stop.signal,
      onWhole: () => expect.unreachable()
    })
    expect(await lines.next()).toMatchObject({ value: { number: 1 } })
    const next = lines.next()
    stop.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(endless.destroyed).toBe(false)
  })
})

/** Lines without end, and how many were taken. */
function endlessBatch(changes: Partial<Batch> = {}) {
  let taken = 0
  let ends = 0
  let inHand = 0
  let mostInHand = 0
  const batch: Batch = {
    lines: (async function* (): AsyncGenerator<Line, void> {
      for (;;) yield { number: (taken += 1), bytes: Buffer.from('x') }
    })(),
    async answer({ number }) {
      inHand += 1
      mostInHand = Math.max(mostInHand, inHand)
      await delay(1)
      inHand -= 1
      return { status: 201, line: number, filling: 'x'.repeat(4_096) }
    },
    concurrency: 8,
    isCutShort: () => false,
    onEnd: () => void (ends += 1),
    ...changes
  }
  return { output: streamAnswers(batch), taken: () => taken, ends: () => ends, mostInHand: () => mostInHand }
}

describe('the answers to a batch', () => {
  it('take no more lines than are read, and no more at once than they may', async () => {
    const { output, taken, mostInHand } = endlessBatch()
    await expect.poll(() => output.readableLength).toBeGreaterThan(0)
    await delay(300)
    const unread = taken()
    expect(unread).toBeLessThan(80)
    await delay(100)
    expect(taken()).toBe(unread)
    for (let read = 0; read < 1_000_000;) {
      const chunk = output.read() as Buffer | null
      if (chunk === null) await delay(1)
      else read += chunk.length
    }
    expect(taken()).toBeGreaterThan(200)
    expect(mostInHand()).toBe(8)
    output.destroy()
  })

  it.each(['while it waits to be read', 'while lines are in hand'])(
    'take none when the reader goes: %s',
    async moment => {
      const { output, taken, ends } = endlessBatch()
      if (moment === 'while lines are in hand') output.resume()
      await delay(100)
      output.destroy()
      await expect.poll(ends).toBe(1)
      const before = taken()
      await delay(100)
      expect(taken()).toBe(before)
    }
  )

  it('end without a summary where the request breaks off', async () => {
    const { output, ends } = endlessBatch({
      lines: (async function* (): AsyncGenerator<Line, void> {
        yield { number: 1, bytes: Buffer.from('x') }
        await delay(50)
        throw new Error('aborted')
      })()
    })
    let text = ''
    output.on('data', chunk => (text += String(chunk)))
    await new Promise(resolve => output.once('error', resolve))
    expect(text).toContain('"line":1')
    expect(text).not.toContain('summary')
    await expect.poll(ends).toBe(1)
  })
})

describe('the number of batches at once', () => {
  it('is bounded for a station and for all', () => {
    const admission = createBatchAdmission()
    const codeOf = (station: string) => {
      try {
        return admission.admit(station)
      } catch (error) {
        return isMintlineError(error) ? [error.code, error.retryAfterSeconds] : error
      }
    }
    const leave = Array.from({ length: 4 }, () => admission.admit('greedy'))
    expect(codeOf('greedy')).toEqual(['overloaded', 5])
    for (let other = 0; other < 28; other++) admission.admit(`station-${other}`)
    expect(codeOf('late')).toEqual(['overloaded', 5])
    leave[0]!()
    leave[0]!()
    admission.admit('late')
    expect(codeOf('later')).toEqual(['overloaded', 5])
  })
})
