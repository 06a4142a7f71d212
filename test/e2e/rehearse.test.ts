import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { StoryReport } from '../../src/rehearsal/story/report/report.ts'
import { needs } from '../support/needs/needs.ts'
import { builtProgram } from '../support/program/program.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const command = builtProgram()

let directory: TemporaryDirectory

beforeAll(async () => {
  directory = await createTemporaryDirectory()
})

afterAll(() => directory.remove())

const at = (file: string) => join(directory.path, file)
const openssl = (text: string) =>
  execFileSync('openssl', text.split(' '), { cwd: directory.path, stdio: 'pipe' })

interface Rehearsal {
  readonly status: number | null
  readonly output: string
}

const rehearse = (...args: readonly string[]) => rehearseIn(tmpdir(), ...args)

function rehearseIn(temporary: string, ...args: readonly string[]): Promise<Rehearsal> {
  const env = { ...process.env, TMPDIR: temporary }
  return new Promise(resolve => {
    const child = execFile(process.execPath, [command, 'rehearse', ...args], { env }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode, output: stdout + stderr })
    )
  })
}

const reportOf = ({ output }: Rehearsal) => JSON.parse(output) as StoryReport
const failedSteps = ({ steps }: StoryReport) => steps.filter(({ outcome }) => outcome === 'failed')

/** A template as a customer has it: named policy, thing type, group, a thing by dnQualifier. */
const ownTemplate = {
  Parameters: {
    'AWS::IoT::Certificate::DistinguishedNameQualifier': { Type: 'String' },
    'AWS::IoT::Certificate::Id': { Type: 'String' }
  },
  Resources: {
    thing: {
      Type: 'AWS::IoT::Thing',
      Properties: {
        ThingName: { Ref: 'AWS::IoT::Certificate::DistinguishedNameQualifier' },
        ThingTypeName: 'pump',
        ThingGroups: ['plant-7']
      },
      OverrideSettings: { AttributePayload: 'MERGE', ThingTypeName: 'DO_NOTHING', ThingGroups: 'DO_NOTHING' }
    },
    certificate: {
      Type: 'AWS::IoT::Certificate',
      Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' },
      OverrideSettings: { Status: 'REPLACE' }
    },
    policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'factory-device' } }
  }
}

// Most of a story is waiting.
describe.concurrent('mintline rehearse', () => {
  it('revokes the device: it is thrown off its connection, and refused afterwards', async () => {
    const rehearsal = await rehearse('--revoke', '--json')
    const report = reportOf(rehearsal)
    expect([rehearsal.status, report.verdict], rehearsal.output).toEqual([0, 'as-predicted'])
    expect(report.steps.slice(-4).map(({ title, outcome }) => [title, outcome])).toEqual([
      ['The device connects once more, and stays', 'done'],
      ['Revoke its certificate, and wait until AWS IoT has been told', 'done'],
      ['Its connection is ended', 'done'],
      ['It tries again, and is refused', 'done']
    ])
  })

  it('tells the story to a person, and leaves nothing behind', async () => {
    await using own = await createTemporaryDirectory()
    const { status, output } = await rehearseIn(own.path, '--kms')
    expect(status, output).toBe(0)
    expect(output).toContain('exactly as predicted')
    expectNothingLeft(own)
  })

  it("plays the user's own template, CSR and key", needs('openssl'), async () => {
    writeFileSync(at('template.json'), JSON.stringify(ownTemplate))
    openssl('req -new -newkey rsa:2048 -nodes -keyout own.key -subj /dnQualifier=pump-0001 -out own.csr')
    const outcome = await rehearse(
      '--json',
      '--template',
      at('template.json'),
      '--csr',
      at('own.csr'),
      '--key',
      at('own.key')
    )
    const report = reportOf(outcome)
    expect([outcome.status, failedSteps(report)]).toEqual([0, []])
    expect(report.comparison).toContainEqual({
      what: 'thing',
      predicted: 'pump-0001',
      found: 'pump-0001',
      isEqual: true
    })
    expect(report.steps.map(({ outcome: ended }) => ended)).not.toContain('left-out')
  })

  it('plays a template that AWS leaves open as the switches decide', async () => {
    const { thing, certificate, policy } = ownTemplate.Resources
    const ThingName = { 'Fn::Join': ['-', ['pump', { Ref: 'AWS::IoT::Certificate::SerialNumber' }]] }
    const template = {
      Parameters: { 'AWS::IoT::Certificate::SerialNumber': { Type: 'String' } },
      Resources: { thing: { ...thing, Properties: { ThingName } }, certificate, policy }
    }
    writeFileSync(at('open.json'), JSON.stringify(template))
    const undecided = await rehearse('--json', '--template', at('open.json'))
    expect([undecided.status, failedSteps(reportOf(undecided)).length]).toEqual([1, 1])
    const switches = [
      '--serial-number-source=subject',
      '--functions=accept',
      '--undeclared-certificate-id=accept'
    ]
    const outcome = await rehearse('--json', '--template', at('open.json'), ...switches)
    const report = reportOf(outcome)
    expect([outcome.status, failedSteps(report)]).toEqual([0, []])
    expect(report.steps[0]!.detail).toContain('serial-number-source-stated')
    expect(report.comparison).toContainEqual({
      what: 'thing',
      predicted: 'pump-REH-0001',
      found: 'pump-REH-0001',
      isEqual: true
    })
  })

  it(
    'says what is wrong with a CSR that lacks what the template needs, and with a key of another',
    needs('openssl'),
    async () => {
      writeFileSync(at('template.json'), JSON.stringify(ownTemplate))
      openssl('req -new -newkey rsa:2048 -nodes -keyout lacking.key -subj /CN=pump-0001 -out lacking.csr')
      openssl('req -new -newkey rsa:2048 -nodes -keyout full.key -subj /dnQualifier=pump-0002 -out full.csr')
      const lacking = await rehearse('--json', '--template', at('template.json'), '--csr', at('lacking.csr'))
      expect([lacking.status, reportOf(lacking).verdict]).toEqual([1, 'failed'])
      expect(failedSteps(reportOf(lacking))[0]!.detail).toContain('DistinguishedNameQualifier')
      const other = await rehearse(
        '--json',
        '--template',
        at('template.json'),
        '--csr',
        at('full.csr'),
        '--key',
        at('lacking.key')
      )
      expect([other.status, failedSteps(reportOf(other)).length]).toEqual([1, 1])
    }
  )

  it('provisions a CSR whose key is not at hand, without a connection', needs('openssl'), async () => {
    openssl('req -new -newkey rsa:2048 -nodes -keyout away.key -subj /C=DE/CN=away-1 -out away.csr')
    const outcome = await rehearse('--json', '--csr', at('away.csr'))
    expect([outcome.status, reportOf(outcome).verdict]).toEqual([0, 'as-predicted'])
  })

  it('refuses a template that AWS IoT would not take before anything is started', async () => {
    const outcome = await rehearse('--json', '--template', fixtureOf('hand-edited.json'))
    expect([outcome.status, reportOf(outcome).steps.length]).toEqual([1, 1])
  })

  const fixtureOf = (name: string) => fileURLToPath(new URL(`../fixtures/templates/${name}`, import.meta.url))

  it('takes place in the account and region that the template is for', async () => {
    const outcome = await rehearse('--json', '--template', fixtureOf('recommended.json'))
    expect([outcome.status, failedSteps(reportOf(outcome))]).toEqual([0, []])
  })

  /** A template whose policy allows all, and then denies one thing. */
  const denying = (action: string) => {
    const statements = [
      { Effect: 'Allow', Action: ['iot:Connect', 'iot:Publish'], Resource: '*' },
      { Effect: 'Deny', Action: action, Resource: '*' }
    ]
    const policy = { PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }) }
    const { Parameters, Resources } = ownTemplate
    const Properties = { ThingName: Resources.thing.Properties.ThingName }
    return {
      Parameters,
      Resources: {
        ...Resources,
        thing: { ...Resources.thing, Properties },
        policy: { Type: 'AWS::IoT::Policy', Properties: policy }
      }
    }
  }

  it.each(['iot:Connect', 'iot:Publish'])(
    'ends soon, with the reason, where a policy denies %s',
    async action => {
      const file = at(`${action.replace(':', '-')}.json`)
      writeFileSync(file, JSON.stringify(denying(action)))
      const outcome = await rehearse('--json', '--template', file)
      const report = reportOf(outcome)
      expect([outcome.status, report.verdict]).toEqual([1, 'failed'])
      expect(failedSteps(report)).toMatchObject([{ detail: expect.stringContaining(action) as string }])
      expect(failedSteps(report)[0]!.milliseconds).toBeLessThan(8000)
    }
  )

  // In a terminal the signal goes to every process of the group, and npm sends it again.
  it.each([
    ['Start the stand-in', 'SIGTERM', 1],
    ['Start the stand-in', 'SIGINT', 2],
    ['Post a profile', 'SIGINT', 2],
    ['is dropped', 'SIGHUP', 1]
  ] as const)('that is interrupted after "%s" by %s leaves nothing behind', async (step, signal, times) => {
    await using own = await createTemporaryDirectory()
    const child = spawn(process.execPath, [command, 'rehearse'], {
      env: { ...process.env, TMPDIR: own.path },
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore']
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const ended = once(child, 'exit')
    await vi.waitFor(() => expect(output).toContain(step), { timeout: 120_000, interval: 10 })
    for (let time = 0; time < times; time++) process.kill(-child.pid!, signal)
    expect(await ended).toEqual([1, null])
    expect(output).toContain('Interrupted.')
    expectNothingLeft(own)
  })

  it.each([[['--key', 'device.key']], [['--template', '/nonexistent']], [['--unknown']], [['story']]])(
    'refuses %j as wrong usage',
    async args => {
      const { status, output } = await rehearse(...args)
      expect(status).toBe(2)
      expect(output).toContain('usage: mintline rehearse')
    }
  )
})

function expectNothingLeft({ path }: TemporaryDirectory): void {
  expect(readdirSync(path)).toEqual([])
  expect(commandLines().filter(line => line.includes(path))).toEqual([])
}

/** Of every process of this machine. */
function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        // It has ended in the meantime.
        return []
      }
    })
}
