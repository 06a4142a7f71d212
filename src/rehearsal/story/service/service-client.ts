import { StoryFailure } from '../steps.ts'

/** What the service answers, as JSON. */
type Answer = Readonly<Record<string, unknown>>

export interface ServiceClient {
  get(path: string): Promise<Answer>
  post(path: string, body: object): Promise<Answer>
}

/**
 * Speaks to Mintline's API with one token, until the signal.
 *
 * A refusal rejects with a StoryFailure that says what the problem document says.
 */
export function createServiceClient(url: string, token: string, signal: AbortSignal): ServiceClient {
  async function ask(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${url}${path}`, {
      method,
      signal,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    const answer = (text === '' ? {} : JSON.parse(text)) as Answer
    if (response.ok) return answer
    throw new StoryFailure(describeProblem(method, path, answer))
  }
  return {
    get: path => ask('GET', path),
    post: (path, body) => ask('POST', path, body)
  }
}

interface ProblemViolation {
  readonly pointer: string
  readonly message: string
  readonly found: string
}

function describeProblem(method: string, path: string, problem: Answer): string {
  const violations = (problem['violations'] ?? []) as readonly ProblemViolation[]
  const lines = violations.map(({ pointer, message, found }) => `  ${pointer}: ${message} Found: ${found}`)
  return [`${method} ${path}: ${String(problem['code'])}: ${String(problem['detail'])}`, ...lines].join('\n')
}
