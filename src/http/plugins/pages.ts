import type { FastifyInstance } from 'fastify'
import { chooseMediaType } from '../accept.ts'
import { favicon } from '../pages/favicon.ts'
import { renderFindingsPage } from '../pages/findings-page.ts'
import { buildFrontDocument, renderFrontPage } from '../pages/front-page.ts'
import { contentSecurityPolicy } from '../pages/page.ts'
import { renderErrorPage } from '../problems/error-reference.ts'
import { documentationPath } from './documentation.ts'

const options = { config: { access: 'public' }, schema: { hide: true }, logLevel: 'warn' } as const
const html = 'text/html; charset=utf-8'

/** What a person finds with a browser besides the description of the API. */
export function addPages(app: FastifyInstance, version: string): void {
  const documents = { errors: renderErrorPage(), 'template-findings': renderFindingsPage() }
  for (const [name, text] of Object.entries(documents)) {
    const page = Buffer.from(text)
    app.get(`${documentationPath}/${name}`, options, async (_request, reply) =>
      reply.type(html).header('content-security-policy', contentSecurityPolicy).send(page)
    )
  }
  const frontPage = renderFrontPage(version)
  const frontDocument = buildFrontDocument(version)
  app.get('/', options, async (request, reply) => {
    reply.header('vary', 'Accept')
    const type = chooseMediaType(request.headers.accept, ['application/json', 'text/html'])
    if (type === 'application/json') return frontDocument
    return reply
      .type(html)
      .header('content-security-policy', `${contentSecurityPolicy}; img-src 'self'`)
      .send(frontPage)
  })
  app.get('/favicon.ico', options, async (_request, reply) =>
    reply.type('image/x-icon').header('cache-control', 'max-age=86400').send(favicon)
  )
}
