import type { FastifyInstance } from 'fastify'
import { MintlineError } from '../../errors/mintline-error.ts'
import { systemStopwatch } from '../../sources/clock.ts'
import { type Budget, createRequestBudgets } from './request-budget.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Counts one more against the station's limit: for each of the things that one request asks for. Null where there is
     * no limit.
     *
     * @returns why it is one too many, if it is.
     */
    countAnother: (() => MintlineError | undefined) | null
  }
}

/**
 * Holds each station to as many requests a minute as it may send in this process, once its token is known and before its
 * body is read. Answers tell how many are left, by the headers of draft-ietf-httpapi-ratelimit-headers-06.
 *
 * @param usualPerMinute of a station without a limit of its own; undefined for none.
 */
export function addRequestLimits(
  app: FastifyInstance,
  usualPerMinute: number | undefined,
  stopwatch = systemStopwatch
): void {
  const budgets = createRequestBudgets(stopwatch)
  app.decorateRequest('countAnother', null)
  app.addHook('onRequest', (request, reply, done) => {
    const { principal } = request
    const perMinute = principal?.station?.requestsPerMinute ?? usualPerMinute
    if (principal?.station === undefined || perMinute === undefined) return done()
    const { name } = principal
    const budget = budgets.take(name, perMinute)
    reply.header(limitHeader, perMinute)
    reply.header('ratelimit-remaining', budget.remaining)
    reply.header('ratelimit-reset', budget.resetSeconds)
    request.countAnother = () => refusalOf(name, budgets.take(name, perMinute))
    done(refusalOf(name, budget))
  })
}

/** Tells how many requests a minute a station may send. */
export const limitHeader = 'ratelimit-limit'

function refusalOf(
  name: string,
  { isWithin, perMinute, retryAfterSeconds }: Budget
): MintlineError | undefined {
  if (isWithin) return undefined
  return new MintlineError(
    'station_limit_reached',
    `The station ${name} may send ${perMinute} requests a minute. Send this one again in ${retryAfterSeconds} s. Where the line needs more, the administrator raises requestsPerMinute with PATCH /v1/stations/${name}.`,
    { retryAfterSeconds }
  )
}
