import { describe, expect, it } from 'vitest'
import { shareAnswers } from '../../../src/http/fairness/shared-answers.ts'

/** Each question is answered when the test says so. */
function createAsked() {
  const asked: string[] = []
  const answers: PromiseWithResolvers<string>[] = []
  const ask = (question: string) => {
    asked.push(question)
    answers.push(Promise.withResolvers<string>())
    return answers.at(-1)!.promise
  }
  return { asked, answers, ask }
}

describe('shared answers', () => {
  it('are of one question at a time, and of all who asked it before it was', async () => {
    const { asked, answers, ask } = createAsked()
    const share = shareAnswers(ask, { restMs: 0 })
    const first = share('a')
    const others = [share('a'), share('b'), share('a')]
    expect(asked).toEqual(['a'])
    answers[0]!.resolve('old')
    expect(await first).toBe('old')
    await expect.poll(() => asked).toEqual(['a', 'a'])
    answers[1]!.resolve('new')
    await expect.poll(() => asked).toEqual(['a', 'a', 'b'])
    answers[2]!.resolve('other')
    expect(await Promise.all(others)).toEqual(['new', 'other', 'new'])
  })

  it('fail for those who share them, and not for the next', async () => {
    const { answers, ask } = createAsked()
    const share = shareAnswers(ask, { restMs: 0 })
    const first = share('a')
    const next = share('a')
    answers[0]!.reject(new Error('lost'))
    await expect(first).rejects.toThrow('lost')
    await expect.poll(() => answers.length).toBe(2)
    answers[1]!.resolve('found')
    expect(await next).toBe('found')
  })

  it('rest between two', async () => {
    const share = shareAnswers(async () => performance.now(), { restMs: 60 })
    const first = await share(undefined)
    expect((await share(undefined)) - first).toBeGreaterThan(55)
  })

  it('are refused where too many different questions wait', async () => {
    const { answers, ask } = createAsked()
    const share = shareAnswers(ask, { restMs: 0, maximumWaiting: 2 })
    const all = ['a', 'b', 'c'].map(share)
    await expect(share('d')).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
    for (const [index] of all.entries()) {
      await expect.poll(() => answers.length).toBe(index + 1)
      answers[index]!.resolve('answered')
    }
    expect(await Promise.all(all)).toHaveLength(3)
  })
})
