import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { MadePair } from '../../tls/pairs.ts'

/** nginx, which asks for a client certificate, verifies nothing of it and hands it on. */
export interface Nginx {
  readonly url: string
  stop(): Promise<void>
}

export interface NginxRequest {
  readonly directory: string
  readonly server: MadePair
  readonly upstream: string
  /** Lines of the location. */
  readonly headers: readonly string[]
}

export async function startNginx({ directory, server, upstream, headers }: NginxRequest): Promise<Nginx> {
  const port = await freePort()
  const folder = join(directory, `nginx-${port}`)
  mkdirSync(folder)
  const file = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(each => `${each}_temp_path ${folder}/${each};`)
    .join('\n')
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off;
  ${temporary}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${server.certificateFile};
    ssl_certificate_key ${server.keyFile};
    ssl_verify_client optional_no_ca;
    location / {
      proxy_pass ${upstream};
      ${headers.join('\n')}
    }
  }
}
`
  )
  const child = spawn('nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', file], {
    stdio: 'inherit'
  })
  await answering(port, child)
  return {
    url: `https://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await new Promise(resolve =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    )
    socket.destroy()
    if (isThere === true) return
    await delay(50)
  }
  throw new Error('nginx did not start')
}
