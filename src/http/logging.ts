import { type FastifyReply, type FastifyRequest, type FastifyServerOptions, LogController } from 'fastify'
import type { stdSerializers } from 'pino'
import { stdTimeFunctions } from 'pino'
import { actorOf } from '../audit/audit-event.ts'
import { describeErrorForLog } from '../errors/error-log.ts'
import type { IssuanceAccount } from '../issuance/request.ts'
import type { HttpSettings } from './services.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What became of a request for a certificate. */
    account: IssuanceAccount | null
  }
}

const maximumPathLength = 256

/**
 * One line a request, when it is done; of a request for a certificate it says what became of it. Neither query nor
 * header nor body is in it: clients put tokens in all three.
 */
class RequestLog extends LogController {
  override incomingRequest(): void {}

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply
  ): void {
    const facts = {
      method: request.method,
      path: pathOf(request),
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      actor: request.principal && actorOf(request.principal),
      ...request.account
    }
    if (error == null) request.log.info(facts, 'request')
    else request.log.warn({ ...facts, err: error }, 'request not completed')
  }
}

/** The log part of the server's options. */
export function buildLogOptions(
  settings: HttpSettings
): Pick<FastifyServerOptions, 'logger' | 'logController'> {
  return {
    logController: new RequestLog({ requestIdLogLabel: 'requestId' }),
    logger: {
      level: settings.logLevel,
      timestamp: stdTimeFunctions.isoTime,
      ...(settings.logStream !== undefined && { stream: settings.logStream }),
      redact: ['authorization', '*.authorization', '*.headers.authorization'],
      serializers: {
        err: error => describeErrorForLog(error) as ReturnType<typeof stdSerializers.err>,
        req: request => ({ method: request.method, path: pathOf(request) }),
        res: reply => ({ statusCode: reply.statusCode })
      }
    }
  }
}

/** No segment of ours is longer than 64 characters; what is longer may be a secret that was put there. */
function pathOf({ url = '' }: { readonly url?: string }): string {
  const [path = ''] = url.split('?', 1)
  return path.replace(/[^/]{65,}/g, '…').slice(0, maximumPathLength)
}
