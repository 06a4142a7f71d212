import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import type { ServerSettings } from '../../http/connections/server.ts'
import { createStatusServer } from '../../http/connections/status-server.ts'
import type { Core } from '../core.ts'
import { closeWithin } from './closing.ts'

interface StatusParts {
  readonly core: Pick<Core, 'config' | 'log'>
  readonly http: FastifyInstance
  readonly settings: ServerSettings
}

/** Tells status alone, where the settings have a port for it. */
export async function listenForStatus(
  { core: { config, log }, http, settings }: StatusParts,
  stops: AsyncDisposableStack
): Promise<void> {
  const { host, statusPort: port } = config
  if (port === undefined) return
  const server = createStatusServer(http, settings)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
  stops.defer(() => closeWithin(server, config.shutdownTimeoutMs, () => close(server)))
  const { port: taken } = server.address() as AddressInfo
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${taken}`
  log.info({ url }, `Status listening at ${url}`)
}

function close(server: Server): Promise<void> {
  const closed = promisify(server.close.bind(server))()
  server.closeIdleConnections()
  return closed
}
