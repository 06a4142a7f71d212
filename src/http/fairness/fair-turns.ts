import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Principal } from '../../access/principal.ts'
import { systemStopwatch } from '../../sources/clock.ts'
import { principalOf } from '../plugins/access.ts'
import { createFairQueue, type EndTurn, type FairQueue, type Lane } from './fair-queue.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What requests of the route wait for. Without it, those of a station, or of a token, wait for its turn, and a public
     * route for nothing.
     *
     * - `route`: for each other: of everybody's, one at a time.
     * - `none`: nothing. For what lasts, and would keep its turn for as long.
     */
    turn?: 'route' | 'none'
  }
  interface FastifyRequest {
    /** Ends the turn that it has. */
    endTurn: EndTurn | null
    /** Another one, for a part of a request whose route waits for nothing as a whole. @throws MintlineError `overloaded`. */
    takeTurn(isGone: () => boolean): Promise<EndTurn>
  }
}

/**
 * What is under way at once is what a commit takes together (`maximumGroupSize`): more would only wait there, in the order
 * in which it came.
 */
const maximumUnderWay = 128
/**
 * Enough for some 400 certificates a second of one station, and so few that the next of another finds the processors
 * free in some milliseconds; docs/performance.md has the figures.
 */
const maximumBesideOthers = 4
/** A page of records takes the time of several certificates. */
const maximumReadsBesideOthers = 1
/** A station may take minutes for a device. */
const stationStaysMs = 10 * 60_000
/** A station that looks something up, or who administers, is there while it does so, and holds up no lone station for longer. */
const othersStayMs = 2_000
/** A station that is told early can wait by itself, or ask another instance. */
const maximumWaitMs = 5_000

/**
 * Has requests take turns, by station: from when the body is there, which may take a client its time, until there is an
 * answer, which may take as long. Where a station would wait in vain it is told before its body is read.
 *
 * @param maximumWaiting of all stations. Must be added after the access, and before what reads bodies.
 */
export function addFairTurns(app: FastifyInstance, maximumWaiting: number, metrics: Registry): void {
  const queue = createFairQueue({
    maximumUnderWay,
    maximumWaiting,
    maximumWaitMs,
    stopwatch: systemStopwatch
  })
  addTurnMetrics(queue, metrics)
  app.decorateRequest('endTurn', null)
  app.decorateRequest('takeTurn', function (this: FastifyRequest, isGone) {
    return queue.enter(ownLaneOf(principalOf(this), this.method), isGone)
  })
  app.addHook('onRequest', (request, _reply, done) => {
    const lane = laneOf(request)
    if (lane !== undefined) queue.assertRoom(lane)
    done()
  })
  app.addHook('preValidation', async request => {
    const lane = laneOf(request)
    if (lane !== undefined) request.endTurn = await queue.enter(lane, () => request.raw.socket.destroyed)
  })
  // Of every answer, an error's as well.
  app.addHook('onSend', async request => {
    request.endTurn?.()
  })
}

function addTurnMetrics(queue: Pick<FairQueue, 'waiting' | 'refused'>, registry: Registry): void {
  const registers = [registry]
  new Gauge({
    name: 'mintline_requests_waiting',
    help: "Requests that wait for their station's turn.",
    registers,
    collect() {
      this.set(queue.waiting)
    }
  })
  new Counter({
    name: 'mintline_requests_turned_away_total',
    help: 'Requests that got 503 since they would have waited for their turn for too long.',
    registers,
    collect() {
      this.reset()
      this.inc(queue.refused)
    }
  })
}

function laneOf({ principal, routeOptions, method }: FastifyRequest): Lane | undefined {
  const { turn } = routeOptions.config
  if (turn === 'none') return undefined
  if (turn === 'route') return { name: `route ${routeOptions.url}`, atOnce: 1 }
  return principal === null ? undefined : ownLaneOf(principal, method)
}

function ownLaneOf(principal: Principal, method: string): Lane {
  const owner = ownerOf(principal)
  if (method === 'GET' || method === 'HEAD') {
    const lane = { name: `reads of ${owner}`, owner, atOnce: maximumReadsBesideOthers }
    // Whoever looks on, as an auditor, waits for a turn among those of a lone station, and holds it to no few.
    return principal.station === undefined ? lane : { ...lane, staysMs: othersStayMs }
  }
  const staysMs = principal.station === undefined ? othersStayMs : stationStaysMs
  return { name: owner, owner, atOnce: maximumBesideOthers, staysMs }
}

/** All tokens of a station are one. */
function ownerOf({ station, name, tokenId, subject }: Principal): string {
  return station === undefined ? `token ${tokenId ?? subject}` : `station ${name}`
}
