import type { FastifyInstance } from 'fastify'
import { MintlineError } from '../../errors/mintline-error.ts'

/**
 * Answers what no route takes: `method_not_allowed` with `Allow` where the path exists for other methods (RFC 9110,
 * section 15.5.6), else `route_not_found`. Must be added before the routes.
 */
export function addUnknownRoute(app: FastifyInstance): void {
  const methodsByUrl = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsByUrl.get(url) ?? new Set()
    for (const name of [method].flat()) methods.add(name)
    methodsByUrl.set(url, methods)
  })
  let routes: readonly { readonly pattern: RegExp; readonly methods: ReadonlySet<string> }[] = []
  app.addHook('onReady', async () => {
    routes = [...methodsByUrl].map(([url, methods]) => ({ pattern: patternOf(url), methods }))
  })
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1)
    const allowed = routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods])
    // A route that takes the method itself found nothing there: a file, say.
    if (allowed.length === 0 || allowed.includes(request.method)) throw pathNotFound()
    const allow = [...new Set(allowed)].sort().join(', ')
    reply.header('allow', allow)
    throw new MintlineError('method_not_allowed', `This path takes ${allow}.`)
  })
}

export function pathNotFound(): MintlineError {
  return new MintlineError('route_not_found', 'There is nothing at this path. The API is described at /docs.')
}

function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+^$()|[\]\\{}?]/g, '\\$&')
    .replace(/:\w+/g, '[^/]+')
    .replaceAll('*', '.*')
  return new RegExp(`^${source}$`)
}
