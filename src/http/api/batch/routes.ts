import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { chooseMediaType } from '../../accept.ts'
import { limitRest, readSteadily } from '../../connections/arrival.ts'
import { principalOf } from '../../plugins/access.ts'
import { createJsonParser } from '../../plugins/json-guard.ts'
import { problemResponses } from '../../schemas/problem.ts'
import type { HttpServices } from '../../services.ts'
import { csrBodyLimitBytes } from '../issuances/routes.ts'
import { createBatchAdmission } from './admission.ts'
import { createLineAnswerer } from './answer.ts'
import { streamAnswers } from './batch.ts'
import { readLines } from './lines.ts'
import { batchConcurrency, maximumBatchLines } from './schemas.ts'

/** So long for the next KiB of lines: a station may send each as its device is ready. */
const linesIdleMs = 5 * 60_000

const mediaType = 'application/x-ndjson'

const issueBatch = {
  operationId: 'issueBatch',
  tags: ['Issuances'],
  summary: 'Certify many device keys',
  description: `NDJSON: one JSON object a line, each a \`BatchLine\`, at most ${maximumBatchLines} lines of at most ${csrBodyLimitBytes} octets. Each is a request of its own, issued, recorded and refused like a single one, and counts as one; a bad line hurts no other. Answers come as NDJSON in the order in which they are ready: \`ref\` and \`line\` (from 1), \`status\`, and what the single route answers with that status: the members of \`Issuance\` or of \`Problem\`, with \`retryAfterSeconds\` where that has a Retry-After. The last line is a \`BatchSummary\`; without it, the answer was cut off.\n\nRead while you send: so many lines are taken as answers are read. A retry is always safe: send all again, or those without an answer.`,
  body: {
    content: {
      [mediaType]: { schema: Type.Unsafe<undefined>({ description: 'Lines as in `BatchLine`.' }) }
    }
  },
  response: {
    200: {
      description: 'Whatever became of the lines.',
      content: { [mediaType]: { schema: Type.String({ description: 'One answer a line.' }) } }
    },
    ...problemResponses({ 406: 'Accept rules out NDJSON. Nothing was issued.' })
  }
}

/** The single route for many CSRs in one request, which is read and answered as a stream. */
export const batchRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  const admission = createBatchAdmission()
  const closing = new AbortController()
  const parseJson = createJsonParser(app)
  const parse = (request: FastifyRequest, bytes: Buffer) =>
    new Promise<unknown>((resolve, reject) =>
      parseJson(request, bytes, (error, value) => (error === null ? resolve(value) : reject(error)))
    )
  app.removeAllContentTypeParsers()
  // The handler reads it: what hooks take for the body is looked at whole.
  app.addContentTypeParser(mediaType, (_request, _payload, done) => done(null, undefined))
  app.addHook('preClose', async () => closing.abort())

  app.post(
    '/v1/issuances/batch',
    {
      config: { access: ['station'], heedsStation: true, recordsRefusals: true, turn: 'none' },
      schema: issueBatch
    },
    async (request, reply) => {
      chooseMediaType(request.headers.accept, [mediaType])
      const { raw } = request
      const leave = admission.admit(principalOf(request).name)
      const isGone = new AbortController()
      const signal = AbortSignal.any([closing.signal, isGone.signal])
      let isWhole = false
      const limits = { maximumLineBytes: csrBodyLimitBytes, maximumLines: maximumBatchLines, signal }
      const output = streamAnswers({
        lines: readLines(readSteadily(raw, linesIdleMs), { ...limits, onWhole: () => void (isWhole = true) }),
        answer: createLineAnswerer(request, { services, parse, signal }),
        concurrency: batchConcurrency,
        isCutShort: () => !isWhole,
        onEnd() {
          leave()
          limitRest(raw)
        }
      })
      output.once('close', () => isGone.abort())
      return reply.type(mediaType).send(output)
    }
  )
}
