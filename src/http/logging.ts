import { type FastifyReply, type FastifyRequest, type FastifyServerOptions, LogController } from 'fastify'
import { actorOf } from '../audit/audit-event.ts'
import type { HttpSettings } from './services.ts'

const maximumPathLength = 256

/** One line a request, when it is done. Neither query nor header nor body is in it: clients put tokens in all three. */
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
      actor: request.principal && actorOf(request.principal)
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
      ...(settings.logStream !== undefined && { stream: settings.logStream }),
      redact: ['authorization', '*.authorization', '*.headers.authorization'],
      serializers: {
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
