import { renderPage, renderText } from './page.ts'

/** Where a person, or a program that knows nothing of the service, goes on from its root. */
const links = [
  ['/docs', 'description', 'The API, described and to be tried out'],
  ['/docs/json', 'openapi', 'The same as OpenAPI, in JSON; `/docs/yaml` in YAML'],
  ['/docs/errors', 'errors', 'What each error means, and what to do'],
  ['/docs/template-findings', 'templateFindings', 'What is said of provisioning templates, and what to do'],
  ['/readyz', 'readiness', 'Whether certificates can be issued now, and what to look after'],
  ['/v1/trust-bundle', 'trustBundle', 'The CA certificates that devices and clouds are to trust'],
  ['/metrics', 'metrics', 'For Prometheus']
] as const

const introduction =
  'Mintline is the certificate authority of a production line that makes AWS IoT devices. A station posts a CSR to `/v1/issuances`.'

export function renderFrontPage(version: string): string {
  const items = links.map(([path, , text]) => `<li><a href="${path}">${path}</a>: ${renderText(text)}.</li>`)
  const html = `<link rel="icon" href="/favicon.ico"><h1>Mintline ${version}</h1><p>${renderText(introduction)}</p><ul>${items.join('')}</ul>`
  return renderPage('the service', html)
}

export function buildFrontDocument(version: string) {
  const addresses = Object.fromEntries(links.map(([path, name]) => [name, path]))
  return { name: 'mintline', version, links: addresses }
}
