import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { MintlineError } from '../../errors/mintline-error.ts'
import { namePattern } from '../../profiles/document.ts'
import type { HttpServices } from '../services.ts'
import { principalOf } from './access.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a refusal of this route goes on record; then with the profile that was named. */
    recordsRefusals?: boolean
  }
}

const nothing = Buffer.alloc(0)
const profileName = new RegExp(namePattern)

/**
 * Refuses a request that holds a private key, on whatever route, before anything is done with it: a body that is JSON or
 * means to be, a file as it is, and what stands in the query. Of the request nothing is kept, logged or answered.
 *
 * Bodies of a content type that the route does not take, and those of who has no token, are not read at all; what is sent
 * to a public route is not kept anywhere.
 */
export function addKeyGuard(app: FastifyInstance, disclosures: HttpServices['disclosures']): void {
  app.addHook('preValidation', async request => {
    const { body, query, sentJson, principal } = request
    if (principal === null) return
    const isFile = body instanceof Uint8Array
    const values = isFile ? [query] : [query, body]
    const findings = disclosures.find({ bytes: isFile ? body : undefined, values })
    if (findings === undefined) return
    throw await disclosures.refuse({
      ...disclosureOf(request),
      findings,
      body: isFile ? body : (sentJson ?? nothing)
    })
  })
}

/** The same of a body that is not JSON though it was said to be, or is not parsed. */
export async function refuseUnparsedKeys(
  disclosures: HttpServices['disclosures'],
  request: FastifyRequest,
  body: Uint8Array
): Promise<MintlineError | undefined> {
  const findings = request.principal === null ? undefined : disclosures.find({ bytes: body })
  return findings && disclosures.refuse({ ...disclosureOf(request), findings, body })
}

/**
 * The same of one line, or part, of a body that is read as it comes.
 *
 * @param value what the line holds; undefined where it is no JSON.
 * @throws MintlineError `key_blocked`.
 */
export async function refuseKeysInLine(
  disclosures: HttpServices['disclosures'],
  request: FastifyRequest,
  { bytes, value }: { readonly bytes: Uint8Array; readonly value: unknown }
): Promise<void> {
  const findings = disclosures.find(value === undefined ? { bytes } : { values: [value] })
  if (findings === undefined) return
  throw await disclosures.refuse({ ...disclosureOf(request, [value]), findings, body: bytes })
}

function disclosureOf(request: FastifyRequest, parts: readonly unknown[] = [request.query, request.body]) {
  const { url = '', config } = request.routeOptions
  return {
    principal: principalOf(request),
    requestId: request.id,
    route: `${request.method} ${url}`,
    issuance: config.recordsRefusals === true ? { profile: profileNamedIn(parts) } : undefined
  }
}

function profileNamedIn(parts: readonly unknown[]): string {
  const named = parts.map(part => (part as { profile?: unknown } | null | undefined)?.profile)
  return named.find((name): name is string => typeof name === 'string' && profileName.test(name)) ?? ''
}
