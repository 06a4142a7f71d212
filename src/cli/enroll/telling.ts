import { describeViolation } from '../failure-text.ts'
import { exitCodes, type Failure } from './exchange/outcome.ts'

const advice = {
  refused: 'Sending it again does not help before that is put right.',
  busy: 'The service is there and could not serve it in time. Send it again: nothing is lost or issued twice.',
  unreachable: 'Send it again when the service can be reached: nothing is lost or issued twice.'
} as const satisfies Record<Failure['kind'], string>

/** What the operator reads of a request that came to nothing. */
export function describeFailedRequest(failure: Failure): string {
  const { kind } = failure
  const lines =
    kind === 'unreachable'
      ? [`unreachable: ${failure.detail}`]
      : [
          `${kind}: ${failure.code}${failure.status === undefined ? '' : ` (${failure.status})`}: ${failure.detail}`,
          ...failure.violations.map(describeViolation),
          ...(failure.instance === undefined ? [] : [`  It is on record as ${failure.instance}.`])
        ]
  return [...lines, `  ${advice[kind]}`].join('\n')
}

/** The same for a program. */
export function viewFailure(failure: Failure) {
  const { kind: outcome, detail } = failure
  const exitCode = exitCodes[outcome]
  if (failure.kind === 'unreachable') return { outcome, exitCode, detail }
  const { status, code, violations, instance } = failure
  return {
    outcome,
    exitCode,
    ...(status !== undefined && { status }),
    code,
    detail,
    ...(violations.length > 0 && { violations }),
    ...(instance !== undefined && { instance })
  }
}
