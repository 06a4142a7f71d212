import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Config } from '../../config/config.ts'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { findExposure } from '../../tls/exposure.ts'

/** Before anything is made or migrated. @throws MintlineError `config_invalid`. */
export async function assertCanListen(config: Config): Promise<void> {
  const { violation } = await probeListening(config)
  if (violation !== undefined) throw cannotListen(violation)
}

/** Listens on the address for a moment, if it may be listened on as the settings are. Whoever listens there already may be the service itself, running. */
export async function probeListening(
  config: Config
): Promise<{ readonly violation: Violation | undefined; readonly isInUse: boolean }> {
  const exposure = await findExposure(config)
  if (exposure !== undefined) return { violation: exposure, isInUse: false }
  const server = createServer()
  try {
    server.listen({ host: config.host, port: config.port })
    await once(server, 'listening')
    server.close()
    return { violation: undefined, isInUse: false }
  } catch (error) {
    const violation = isSystemError(error) ? describeListenFailure(error, config) : undefined
    if (!isSystemError(error) || violation === undefined) throw error
    return { violation, isInUse: error.code === 'EADDRINUSE' }
  }
}

/** What the service says where it cannot be listened on its address. */
export function cannotListen(violation: Violation, cause?: unknown): MintlineError {
  return new MintlineError('config_invalid', 'The service cannot listen.', { violations: [violation], cause })
}

/** Node's own errors of the operating system. */
export type SystemError = Error & { readonly code: string; readonly syscall: string; readonly path?: string }

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

/** @returns undefined for what is another failure. */
export function describeListenFailure(error: SystemError, { host, port }: Config): Violation | undefined {
  const found = `${host}, port ${port} (${error.code})`
  if (error.syscall === 'getaddrinfo') {
    return {
      pointer: 'MINTLINE_HOST',
      expected: 'an address, or a name that leads to one',
      found,
      message: 'Correct the name; 127.0.0.1 is this machine alone, 0.0.0.0 all its addresses.'
    }
  }
  if (error.syscall !== 'listen' && error.syscall !== 'bind') return undefined
  if (error.code === 'EADDRINUSE') {
    return {
      pointer: 'MINTLINE_PORT',
      expected: 'a port on which nobody else listens',
      found,
      message: `Choose another port, or stop what listens there; \`${whoListens(port)}\` names it.`
    }
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return {
      pointer: 'MINTLINE_PORT',
      expected: 'a port that this user may listen on',
      found,
      message: 'Choose one from 1024 up; a proxy in front can have the low one.'
    }
  }
  return {
    pointer: 'MINTLINE_HOST',
    expected: 'an address of this machine',
    found,
    message: 'Name one that `ip address` shows; 127.0.0.1 is this machine alone, 0.0.0.0 all its addresses.'
  }
}

function whoListens(port: number): string {
  return process.platform === 'linux' ? `ss -ltnp 'sport = :${port}'` : `lsof -nP -iTCP:${port} -sTCP:LISTEN`
}
