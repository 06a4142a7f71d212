import https, { type AgentOptions } from 'node:https'

/** As many as the SDK itself allows. */
const connectionsMaximum = 50

/**
 * For the connections of one client: through the proxy of the process, which its global agent knows. Each client has an
 * agent of its own, since it ends all connections of it with itself.
 */
export function httpsAgentOptions(): AgentOptions {
  const { proxyEnv } = https.globalAgent.options
  return { keepAlive: true, maxSockets: connectionsMaximum, ...(proxyEnv === undefined ? {} : { proxyEnv }) }
}
