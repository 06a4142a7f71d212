import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import { needs, pathsOfTool } from '../../../support/needs/needs.ts'
import { builtProgram } from '../../../support/program/program.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'

const program = builtProgram()

let folder: TemporaryDirectory
let standIn: ChildProcess
let printed = ''

beforeAll(async () => {
  folder = await createTemporaryDirectory()
  standIn = spawn(process.execPath, [program, 'rehearse', 'aws', '--port', '0', '--mqtt-port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  standIn.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  await vi.waitFor(() => expect(printed).toContain('/rehearsal/log'), { timeout: 30_000, interval: 20 })
})

afterAll(async () => {
  const ended = once(standIn, 'exit')
  standIn.kill('SIGTERM')
  await ended
  await folder.remove()
})

/** What it printed for pasting: one indented paragraph, by what stands in it. */
const linesToPaste = (wanted: string) =>
  printed
    .split('\n\n')
    .find(paragraph => paragraph.startsWith('  ') && paragraph.includes(wanted))!
    .replace(/^ {2}/gm, '')

interface Cli {
  readonly version: string
  readonly path: string
}

/** Each AWS CLI on the PATH, once: Debian's, and others where they are. */
const clis: readonly Cli[] = [
  ...new Map(
    pathsOfTool('aws').map(path => {
      const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).split(' ')[0]!
      return [version, { version, path }] as const
    })
  ).values()
]

/** From 2 on the CLI wants base64 unless it is told otherwise. */
const payloadOption = ({ version }: Cli) =>
  version.startsWith('aws-cli/1.') ? '' : '--cli-binary-format raw-in-base64-out'

/** Runs a script in the shell of a person who has pasted what the stand-in printed. */
async function runScript(cli: Cli, script: string): Promise<string> {
  const pasted = `${linesToPaste('AWS_ENDPOINT_URL_IOT')}\n${script}`
  const { stdout } = await promisify(execFile)('sh', ['-e', '-c', pasted], {
    cwd: folder.path,
    env: {
      PATH: [dirname(cli.path), process.env['PATH']].join(delimiter),
      HOME: folder.path,
      AWS_PAGER: '',
      // What a proxy is set for does not lead to this machine.
      no_proxy: '*'
    }
  })
  return stdout
}

// The article's own lines, but for the subject's, which openssl would ask for.
const registerCa = (name: string) => `
  openssl genrsa -out ${name}CA.key 2048
  openssl req -x509 -new -nodes -key ${name}CA.key -sha256 -days 365 -subj "/O=Acme/CN=${name} CA" -out ${name}CA.pem
  code=$(aws iot get-registration-code --query registrationCode --output text)
  openssl genrsa -out verificationCert.key 2048
  openssl req -new -key verificationCert.key -subj "/CN=$code" -out verificationCert.csr
  openssl x509 -req -in verificationCert.csr -CA ${name}CA.pem -CAkey ${name}CA.key -CAcreateserial -days 365 -sha256 \\
    -out verificationCert.crt
  aws iot register-ca-certificate --ca-certificate file://${name}CA.pem \\
    --verification-certificate file://verificationCert.crt --set-as-active --allow-auto-registration \\
    --registration-config file://provisioning-template.json --query certificateId --output text`

const makeDevice = (name: string) => `
  openssl genrsa -out device.key 2048
  openssl req -new -key device.key -subj "/C=US/CN=${name}" -out device.csr
  openssl x509 -req -in device.csr -CA ${name}CA.pem -CAkey ${name}CA.key -CAcreateserial -days 365 -sha256 \\
    -out device.pem
  cat device.pem ${name}CA.pem > device-and-ca.pem`

const publishTwice = (name: string) => {
  const publish = linesToPaste('mosquitto_pub').replace('THING_NAME', name).replace('TOPIC', 'foo/bar')
  return `${publish} || echo dropped >&2
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    if ${publish} > published.log; then break; fi
  done
  grep -q 'received PUBACK' published.log`
}

/** Where there is none, the group is passed over for want of it. */
const tried = clis.length > 0 ? clis : [{ version: 'no aws', path: '' }]

describe.each(tried)('the article with $version', needs('aws', 'openssl', 'mosquitto_pub'), cli => {
  const name = cli.version.replaceAll(/\W/g, '-')

  it('registers a CA, makes a device, publishes, and finds the thing', async () => {
    const roleArn = linesToPaste(':role/').trim()
    writeFileSync(
      join(folder.path, 'provisioning-template.json'),
      JSON.stringify({ templateBody: JSON.stringify(starterProfile.template), roleArn })
    )
    const registered = await runScript(cli, registerCa(name))
    expect(registered.trim()).toMatch(/^[0-9a-f]{64}$/)
    await runScript(cli, makeDevice(name))
    await runScript(cli, publishTwice(name))
    const seen = await runScript(
      cli,
      `certificate=$(aws iot list-certificates-by-ca --ca-certificate-id ${registered.trim()} \
        --query 'certificates[0].certificateArn' --output text)
      thing=$(aws iot list-principal-things --principal "$certificate" --query 'things[0]' --output text)
      aws iot describe-thing --thing-name "$thing" --query attributes.country --output text
      aws iot list-thing-principals --thing-name "$thing" --query 'length(principals)' --output text
      aws iot list-attached-policies --target "$certificate" --query 'length(policies)' --output text`
    )
    expect(seen.split('\n')).toEqual(['US', '1', '1', ''])
  })

  it('reaches the endpoints, the roles and the stored templates', async () => {
    const output = await runScript(
      cli,
      `aws iot describe-endpoint --endpoint-type iot:Data-ATS --query endpointAddress --output text
      aws iam get-role --role-name JITPRole --query Role.RoleName --output text
      aws iot create-provisioning-template --template-name ${name} --type JITP --enabled \\
        --template-body '${JSON.stringify(starterProfile.template)}' \\
        --provisioning-role-arn ${linesToPaste(':role/').trim()} --query templateName --output text`
    )
    expect(output.trim().split('\n')).toEqual(['localhost', 'JITPRole', name])
  })

  it('writes and reads the shadow of a device', async () => {
    const script = (option: string) => `
      aws iot-data update-thing-shadow --thing-name ${name} ${option} ${payloadOption(cli)} \
        --payload '{"state":{"desired":{"on":true}}}' answer.json
      aws iot-data get-thing-shadow --thing-name ${name} ${option} shadow.json
      cat shadow.json`
    for (const option of ['', '--shadow-name settings'])
      expect(JSON.parse(await runScript(cli, script(option)))).toMatchObject({
        state: { desired: { on: true }, delta: { on: true } },
        version: 1
      })
    await expect(
      runScript(cli, `aws iot-data get-thing-shadow --thing-name none-${name} shadow.json`)
    ).rejects.toMatchObject({ stderr: expect.stringContaining('ResourceNotFoundException') as string })
  })

  it('says what the stand-in refuses, by the name that AWS gives it', async () => {
    await expect(runScript(cli, 'aws iot describe-thing --thing-name nobody')).rejects.toMatchObject({
      stderr: expect.stringContaining('ResourceNotFoundException') as string
    })
  })
})
