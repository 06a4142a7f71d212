import https from 'node:https'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { Environment } from '../settings.ts'

/** In the order in which Node heeds them. */
const proxyVariables = ['https_proxy', 'HTTPS_PROXY'] as const
const exceptionVariables = ['no_proxy', 'NO_PROXY'] as const

/**
 * Lets requests over HTTPS of this process go through the proxy that HTTPS_PROXY names, but for the hosts in NO_PROXY.
 * Plain HTTP, to a stand-in of AWS, never does.
 *
 * @throws MintlineError `config_invalid` for what is no address of a proxy. What it says has no credentials of the proxy.
 */
export function useHttpsProxy(environment: Environment): void {
  const name = proxyVariables.find(variable => (environment[variable] ?? '') !== '')
  if (name === undefined) return
  assertProxy(name, environment[name] ?? '')
  const exceptions = exceptionVariables
    .map(variable => environment[variable])
    .find(value => (value ?? '') !== '')
  const proxyEnv = { https_proxy: environment[name], no_proxy: exceptions }
  https.globalAgent = new https.Agent({ ...https.globalAgent.options, proxyEnv })
}

function assertProxy(name: string, value: string): void {
  const proxy = URL.parse(value)
  if (proxy !== null && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '') return
  throw new MintlineError('config_invalid', 'The proxy cannot be used.', {
    violations: [
      {
        pointer: name,
        expected: 'the URL of a proxy, such as http://proxy.example:3128',
        found: proxy === null ? 'no URL' : `a URL with ${proxy.protocol}`,
        message: 'Write http:// or https://, the host and the port, or unset it.'
      }
    ]
  })
}
