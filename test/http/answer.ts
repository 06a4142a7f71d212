import type { Static } from 'typebox'
import type { Problem } from '../../src/http/schemas/problem.ts'

interface Answer {
  json<Body>(): Body
}

/** The problem document that an answer is. */
export function problemOf(answer: Answer): Static<typeof Problem> {
  return answer.json<Static<typeof Problem>>()
}

/** Where its violations are, sorted. */
export function pointersOf(answer: Answer): readonly string[] {
  return (problemOf(answer).violations ?? []).map(({ pointer }) => pointer).sort()
}
