import type { Server } from 'node:http'

/**
 * Lets requests in flight finish, but no client that stalls in the middle of one keep the service from stopping.
 *
 * @param close resolves when all connections have ended.
 */
export async function closeWithin(
  server: Pick<Server, 'closeAllConnections'>,
  timeoutMs: number,
  close: () => PromiseLike<unknown>
): Promise<void> {
  const impatience = setTimeout(() => server.closeAllConnections(), timeoutMs)
  try {
    await close()
  } finally {
    clearTimeout(impatience)
  }
}
