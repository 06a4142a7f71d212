import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { GetRegistrationCodeCommand, IoTClient } from '@aws-sdk/client-iot'
import { expect, it, onTestFinished, vi } from 'vitest'
import { UsageError } from '../../../../src/cli/command.ts'
import { runRehearsalAws } from '../../../../src/cli/rehearse/aws.ts'
import { createIotStandIn } from '../../../../src/rehearsal/iot/iot-stand-in.ts'
import { createTemporaryDirectory } from '../../../support/temporary-directory.ts'

/** Runs the command until the work is done. */
async function whileRunning(
  args: readonly string[],
  work: (output: () => string) => Promise<void>
): Promise<number> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  let output = ''
  const io = {
    environment: {},
    write: (text: string) => void (output += text),
    writeError: () => undefined
  }
  const exitCode = runRehearsalAws(io, args, stopped)
  try {
    await Promise.race([vi.waitFor(() => expect(output).toContain('JITPRole'), 10_000), exitCode])
    await work(() => output)
  } finally {
    stop()
  }
  return exitCode
}

it('says where it listens, writes the root and prints what happens', async () => {
  await using folder = await createTemporaryDirectory()
  const caFile = join(folder.path, 'root.pem')
  const args = [
    '--port',
    '0',
    '--mqtt-port',
    '0',
    '--ca-out',
    caFile,
    '--account',
    '123456789012',
    '--region',
    'eu-west-1'
  ]
  const exitCode = await whileRunning(args, async output => {
    expect(output()).toContain('arn:aws:iam::123456789012:role/JITPRole')
    const port = Number(/-h localhost -p (\d+)/.exec(output())?.[1])
    // A client that trusts the file gets through the handshake, and is sent away for want of a certificate.
    const socket = connect({ port, servername: 'localhost', ca: await readFile(caFile) })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    await new Promise(resolve => socket.once('close', resolve).resume())
    expect(output()).toMatch(/Connect Failure UnauthorizedException/)
    const endpoint = /AWS_ENDPOINT_URL_IOT=(\S+)/.exec(output())?.[1] ?? ''
    expect(await (await fetch(`${endpoint}/rehearsal/root.pem`)).text()).toBe(await readFile(caFile, 'utf8'))
    const credentials = { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' }
    const client = new IoTClient({ region: 'eu-west-1', endpoint, credentials })
    expect((await client.send(new GetRegistrationCodeCommand({}))).registrationCode).toHaveLength(64)
    client.destroy()
  })
  expect(exitCode).toBe(0)
})

it('keeps its state in a file', async () => {
  await using folder = await createTemporaryDirectory()
  const stateFile = join(folder.path, 'state.json')
  const first = await createIotStandIn({ stateFile })
  first.registry.createThing({ thingName: 'unit-1' })
  await first.stop()
  const second = await createIotStandIn({ stateFile })
  onTestFinished(() => second.stop())
  expect(second.registry.findThing('unit-1')).toBeDefined()
})

it.each([
  ['an unknown flag', ['--verbose']],
  ['a port that is none', ['--port', '70000']],
  ['a rate above one', ['--throttle-rate', '2']],
  ['an account that is none', ['--account', 'mine']],
  ['a root that cannot be written', ['--port', '0', '--mqtt-port', '0', '--ca-out', '/nowhere/root.pem']]
])('refuses %s', async (_, args) => {
  await expect(whileRunning(args, async () => undefined)).rejects.toBeInstanceOf(UsageError)
})

it.each(['--port', '--mqtt-port'])('refuses a %s that is taken', async flag => {
  const standIn = await createIotStandIn()
  onTestFinished(() => standIn.stop())
  const taken = flag === '--port' ? Number(new URL(standIn.controlUrl).port) : standIn.mqttPort
  const args = ['--port', '0', '--mqtt-port', '0', flag, String(taken)]
  await expect(whileRunning(args, async () => undefined)).rejects.toBeInstanceOf(UsageError)
})
