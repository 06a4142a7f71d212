import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MintlineError } from '../../errors/mintline-error.ts'

/**
 * Of objects, lists, members and items in one body. What follows costs a step or a message for each of them; the
 * longest document of ours, a profile with a thousand values for each of its eight fields, has half as many.
 */
export const maximumJsonValues = 16_384

declare module 'fastify' {
  interface FastifyRequest {
    /** JSON as it came; null for other bodies, and without one. */
    sentJson: Uint8Array | null
  }
}

/**
 * Counts what a JSON body holds before it is parsed, and refuses one that would keep everybody else waiting.
 *
 * @param lookInto a body that is not parsed, or is no JSON; its error comes first, if it has one.
 */
export function addJsonGuard(
  app: FastifyInstance,
  lookInto: (request: FastifyRequest, body: Uint8Array) => Promise<MintlineError | undefined> = async () =>
    undefined
): void {
  const parse = createJsonParser(app)
  app.decorateRequest('sentJson', null)
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    request.sentJson = body
    parse(request, body, (error, value) => {
      if (error === null) done(null, value)
      else lookInto(request, body).then(found => done(found ?? error), done)
    })
  })
}

type ParseJson = (
  request: FastifyRequest,
  body: Buffer,
  done: (error: Error | null, value?: unknown) => void
) => void

/** Reads JSON of a request that would keep nobody else waiting, and that poisons no prototype. */
export function createJsonParser(app: FastifyInstance): ParseJson {
  const parse = app.getDefaultJsonParser('error', 'error')
  return (request, body, done) => {
    const text = body.toString()
    if (holdsMoreThan(maximumJsonValues, text)) done(tooMany())
    else void parse(request, text, done)
  }
}

/** Counts the commas and opening brackets that stand outside of strings. What is not JSON may be counted as it likes. */
function holdsMoreThan(maximum: number, text: string): boolean {
  let count = 0
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index)
    if (character === quote) index = endOfString(text, index)
    else if (character === comma || character === openingBrace || character === openingBracket) {
      count += 1
      if (count > maximum) return true
    }
  }
  return false
}

const [quote, comma, openingBrace, openingBracket, backslash] = [0x22, 0x2c, 0x7b, 0x5b, 0x5c]

/** The place of the quote that closes the string which opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    const character = text.charCodeAt(index)
    if (character === quote) return index
    if (character === backslash) index += 1
  }
  return text.length
}

function tooMany(): MintlineError {
  return new MintlineError('request_invalid', 'The body holds more values than any document of this API.', {
    violations: [
      {
        pointer: '',
        expected: `at most ${maximumJsonValues} objects, lists, members and items`,
        found: 'more',
        message: 'Send a smaller document.'
      }
    ]
  })
}
