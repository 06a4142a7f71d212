import { execFile, execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoryReport } from '../../src/rehearsal/story/report.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { hasTool } from '../support/tool.ts'

const command = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const timeoutMs = 60_000

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

function rehearse(...args: readonly string[]): Promise<Rehearsal> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [command, 'rehearse', ...args], (_, stdout, stderr) =>
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

describe('mintline rehearse', () => {
  it(
    'tells the story to a person, and leaves nothing behind',
    async () => {
      const before = rehearsalDirectories()
      const { status, output } = await rehearse('--kms')
      expect(status, output).toBe(0)
      expect(output).toContain('exactly as predicted')
      expect(rehearsalDirectories()).toEqual(before)
    },
    timeoutMs
  )

  it.runIf(hasTool('openssl'))(
    "plays the user's own template, CSR and key",
    async () => {
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
    },
    timeoutMs
  )

  it.runIf(hasTool('openssl'))(
    'says what is wrong with a CSR that lacks what the template needs, and with a key of another',
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
    },
    timeoutMs
  )

  it.runIf(hasTool('openssl'))(
    'provisions a CSR whose key is not at hand, without a connection',
    async () => {
      openssl('req -new -newkey rsa:2048 -nodes -keyout away.key -subj /C=DE/CN=away-1 -out away.csr')
      const outcome = await rehearse('--json', '--csr', at('away.csr'))
      expect([outcome.status, reportOf(outcome).verdict]).toEqual([0, 'as-predicted'])
    },
    timeoutMs
  )

  it('refuses a template that AWS IoT would not take before anything is started', async () => {
    const fixture = fileURLToPath(new URL('../fixtures/templates/hand-edited.json', import.meta.url))
    const outcome = await rehearse('--json', '--template', fixture)
    expect([outcome.status, reportOf(outcome).steps.length]).toEqual([1, 1])
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

function rehearsalDirectories(): readonly string[] {
  return readdirSync(tmpdir()).filter(name => name.startsWith('mintline-rehearsal-'))
}
