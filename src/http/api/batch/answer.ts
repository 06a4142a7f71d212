import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { EndTurn } from '../../fairness/fair-queue.ts'
import { stationOf } from '../../plugins/access.ts'
import { refuseKeysInLine } from '../../plugins/key-guard.ts'
import { assertStorableText } from '../../plugins/text-guard.ts'
import { type Asking, tellProblem } from '../../problems/problem-details.ts'
import type { HttpServices } from '../../services.ts'
import { readAsked } from '../issuances/body.ts'
import { csrBodyLimitBytes } from '../issuances/routes.ts'
import { viewIssuance } from '../issuances/view.ts'
import type { LineAnswer } from './batch.ts'
import type { Line } from './lines.ts'
import { BatchLine, maximumBatchLines, refPattern } from './schemas.ts'

/** A station at its limit is made to wait so long for its next line, and is told of it beyond. */
const longestPauseSeconds = 10

const refForm = new RegExp(refPattern, 'u')

export interface LineDependencies {
  readonly services: Pick<HttpServices, 'issuance' | 'disclosures' | 'explain'>
  /** @throws where it is no JSON, or would keep others waiting. */
  readonly parse: (request: FastifyRequest, bytes: Buffer) => Promise<unknown>
  readonly signal: AbortSignal
}

/** Answers the lines of a request one by one, each as its single request would be. */
export function createLineAnswerer(
  request: FastifyRequest,
  dependencies: LineDependencies
): (line: Line) => Promise<LineAnswer> {
  const { services, signal } = dependencies
  return async line => {
    const log = request.log.child({ line: line.number })
    // What is wrong with a connection below is never that of the line's sender.
    const { id, headers, routeOptions } = request
    const asking: Asking = { id, log, headers, routeOptions, raw: { complete: true } }
    const names: { line: number; ref?: string } = { line: line.number }
    let endTurn: EndTurn | undefined
    try {
      await waitForShare(request, signal)
      endTurn = await request.takeTurn(() => signal.aborted)
      const value = await readValue(request, line, dependencies)
      const ref = refOf(value)
      if (ref !== undefined) names.ref = ref
      const { ref: _, ...body } = validated(request, value)
      const result = await services.issuance.issue({
        ...readAsked(body, {}),
        station: stationOf(request),
        requestId: id,
        tell: account => log.info(account, 'line of a batch')
      })
      return { ...names, status: result.replayed ? 200 : 201, ...viewIssuance(result) }
    } catch (error) {
      const known = error instanceof MintlineError ? services.explain(error) : error
      const { status, retryAfterSeconds, problem } = tellProblem(known, asking)
      return {
        ...names,
        ...problem,
        status,
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds })
      }
    } finally {
      endTurn?.()
    }
  }
}

/** Each line counts as a request. @throws MintlineError `station_limit_reached`. */
async function waitForShare({ countAnother }: FastifyRequest, signal: AbortSignal): Promise<void> {
  for (;;) {
    const refusal = countAnother?.()
    if (refusal === undefined) return
    const { retryAfterSeconds = 1 } = refusal
    if (retryAfterSeconds > longestPauseSeconds || signal.aborted) throw refusal
    await delay(retryAfterSeconds * 1_000, undefined, { signal }).catch(() => undefined)
  }
}

async function readValue(
  request: FastifyRequest,
  { number, bytes }: Line,
  { parse, services: { disclosures } }: LineDependencies
): Promise<unknown> {
  if (bytes === undefined) throw notRead(number)
  let value: unknown
  try {
    value = await parse(request, bytes)
  } catch (error) {
    await refuseKeysInLine(disclosures, request, { bytes, value: undefined })
    throw error
  }
  await refuseKeysInLine(disclosures, request, { bytes, value })
  assertStorableText(value)
  return value
}

function notRead(number: number): MintlineError {
  return new MintlineError(
    'request_too_large',
    number > maximumBatchLines
      ? `A batch has at most ${maximumBatchLines} lines. This one and those behind it were not read: send them as a batch of their own.`
      : `The line is longer than ${csrBodyLimitBytes} octets, and was not read. Check that it holds one CSR.`
  )
}

function refOf(value: unknown): string | undefined {
  const ref = (value as { ref?: unknown } | null)?.ref
  return typeof ref === 'string' && refForm.test(ref) ? ref : undefined
}

/** @throws what Fastify throws of a body that does not fit the schema. */
function validated(request: FastifyRequest, value: unknown): BatchLine {
  const validate = request.compileValidationSchema(BatchLine, 'body')
  const outcome = validate(value) as true | { readonly error: unknown }
  if (outcome === true) return value as BatchLine
  throw Object.assign(new Error('The line does not fit its schema'), {
    validation: outcome.error,
    validationContext: 'body'
  })
}
