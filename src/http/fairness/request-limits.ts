import type { FastifyInstance } from 'fastify'
import { MintlineError } from '../../errors/mintline-error.ts'
import { systemStopwatch } from '../../sources/clock.ts'
import { createRequestBudgets } from './request-budget.ts'

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
  app.addHook('onRequest', (request, reply, done) => {
    const { principal } = request
    const perMinute = principal?.station?.requestsPerMinute ?? usualPerMinute
    if (principal?.station === undefined || perMinute === undefined) return done()
    const { name } = principal
    const { isWithin, remaining, resetSeconds, retryAfterSeconds } = budgets.take(name, perMinute)
    reply.header('ratelimit-limit', perMinute)
    reply.header('ratelimit-remaining', remaining)
    reply.header('ratelimit-reset', resetSeconds)
    if (isWithin) return done()
    done(
      new MintlineError(
        'station_limit_reached',
        `The station ${name} may send ${perMinute} requests a minute. Send this one again in ${retryAfterSeconds} s. Where the line needs more, the administrator raises requestsPerMinute with PATCH /v1/stations/${name}.`,
        { retryAfterSeconds }
      )
    )
  })
}
