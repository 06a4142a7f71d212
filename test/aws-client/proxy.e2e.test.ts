import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer, request } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, type Server } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServerIdentity } from '../../src/rehearsal/iot/gateway/server-certificate.ts'
import { createIotStandIn, type IotStandIn } from '../../src/rehearsal/iot/iot-stand-in.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { builtProgram } from '../support/program/program.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

/**
 * A network as factories have it: the only way out is a proxy, which opens TLS. What it leads to is the stand-in, under the
 * names of AWS.
 */
const program = builtProgram()
const credentials = 'factory:s3cret-of-proxy'

let folder: TemporaryDirectory
let standIn: IotStandIn
let aws: Server
let proxy: Server
let asked: string[]

beforeAll(async () => {
  folder = await createTemporaryDirectory()
  standIn = await createIotStandIn()
  const { rootPem, certificatePem, privateKeyPem } = await createServerIdentity(
    ['iam.amazonaws.com'],
    Date.now()
  )
  writeFileSync(at('root.pem'), rootPem)
  writeFileSync(at('template.json'), JSON.stringify(starterProfile.template))
  aws = createHttpsServer({ cert: certificatePem, key: privateKeyPem }, (incoming, outgoing) => {
    const { method, headers, url = '' } = incoming
    const onward = request(new URL(url, standIn.controlUrl), { method, headers }, answer => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  asked = []
  proxy = createHttpServer().on('connect', ({ url = '', headers }, socket: Duplex) => {
    asked.push(url)
    const wanted = `Basic ${Buffer.from(credentials).toString('base64')}`
    if (headers['proxy-authorization'] !== wanted)
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const through = connect(portOf(aws), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(through).pipe(socket)
    })
    for (const each of [socket, through]) each.on('error', () => undefined)
  })
  for (const server of [aws, proxy]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
})

afterAll(async () => {
  proxy.close()
  aws.close()
  await standIn.stop()
  await folder.remove()
})

const at = (file: string) => join(folder.path, file)
const portOf = (server: Server) => (server.address() as AddressInfo).port

/** Compares the role with what the template needs, which asks IAM. */
function askIam(
  environment: NodeJS.ProcessEnv
): Promise<{ readonly status: number | null; readonly output: string }> {
  const args = [program, 'aws', 'required-actions', at('template.json'), '--role-arn', standIn.roleArn]
  const env = {
    PATH: process.env['PATH'],
    AWS_ACCESS_KEY_ID: 'rehearsal',
    AWS_SECRET_ACCESS_KEY: 'rehearsal',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...environment
  }
  return new Promise(resolve => {
    const child = execFile(process.execPath, args, { env }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode, output: stdout + stderr })
    )
  })
}

const proxyUrl = (userinfo = credentials) => `http://${userinfo}@127.0.0.1:${portOf(proxy)}`

describe('AWS behind a proxy that opens TLS', () => {
  it.each(['HTTPS_PROXY', 'https_proxy'])('is reached by %s and NODE_EXTRA_CA_CERTS', async name => {
    asked.length = 0
    const environment = { [name]: proxyUrl(), NODE_EXTRA_CA_CERTS: at('root.pem') }
    const { status, output } = await askIam(environment)
    expect(output).toContain('The role lacks nothing essential.')
    expect([status, ...new Set(asked)]).toEqual([0, 'iam.amazonaws.com:443'])
  })

  it('is not trusted without its root', async () => {
    const { status, output } = await askIam({ HTTPS_PROXY: proxyUrl() })
    expect(status).toBe(1)
    expect(output).toMatch(/aws_unavailable.*NODE_EXTRA_CA_CERTS/)
  })

  it('is not reached with wrong credentials of the proxy, which are not told', async () => {
    const { status, output } = await askIam({ HTTPS_PROXY: proxyUrl('factory:other-secret') })
    expect(status).toBe(1)
    expect(output).toMatch(/aws_unavailable.*HTTP 407/)
    expect(output).not.toContain('other-secret')
  })

  it('is not asked by it where NO_PROXY says so', async () => {
    asked.length = 0
    const environment = { HTTPS_PROXY: proxyUrl(), NO_PROXY: 'stand-in.invalid,.invalid' }
    await askIam({ ...environment, AWS_ENDPOINT_URL_IAM: 'https://stand-in.invalid' })
    expect(asked).toEqual([])
  })

  it('does not come between us and a stand-in', async () => {
    asked.length = 0
    const { status } = await askIam({ HTTPS_PROXY: proxyUrl(), AWS_ENDPOINT_URL_IAM: standIn.controlUrl })
    expect([status, ...asked]).toEqual([0])
  })

  it.each(['proxy.example:3128', 'socks5://proxy.example', '3128', 'http://u:s3cret-of-proxy@'])(
    'is not looked for with %s as proxy',
    async value => {
      const { status, output } = await askIam({ HTTPS_PROXY: value })
      expect(status).toBe(1)
      expect(output).toContain('config_invalid')
      expect(output).not.toContain('s3cret-of-proxy')
    }
  )
})
