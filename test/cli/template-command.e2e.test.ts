import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runTemplateCommand } from '../../src/cli/template/template.ts'
import { readTemplateSource } from '../../src/jitp/reading/template-source.ts'
import { fixturePath, readFixture, ref, templateOf } from '../jitp/template-cases.ts'
import { makeCertificate } from '../rehearsal/iot/certificate-making.ts'
import { needs } from '../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const csrPath = (name: string): string => new URL(`../fixtures/csr/${name}`, import.meta.url).pathname
let directory: TemporaryDirectory

beforeAll(async () => {
  directory = await createTemporaryDirectory()
})
afterAll(() => directory.remove())

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(directory.path, name)
  writeFileSync(file, content)
  return file
}

interface Surroundings {
  readonly isTerminal?: boolean
  readonly noColour?: string
  readonly input?: string
}

async function run(args: readonly string[], { isTerminal = false, noColour, input = '' }: Surroundings = {}) {
  let output = ''
  let errors = ''
  const code = await runTemplateCommand(args, {
    environment: noColour === undefined ? {} : { NO_COLOR: noColour },
    write: text => void (output += text),
    writeError: text => void (errors += text),
    isTerminal,

    standardInput: Readable.from([Buffer.from(input)])
  })
  return { code, output, errors }
}

interface Shown {
  readonly accepted: boolean
  readonly form: string
  readonly requiredSubjectFields: string[]
  readonly findings: { id: string; severity: string; atAws: string; remedy: string; position?: object }[]
  readonly prediction: { thing: { thingName: string | null; attributes: object } } | null
}

async function runJson(
  args: readonly string[],
  options: Parameters<typeof run>[1] = {}
): Promise<{ code: number; shown: Shown }> {
  const { code, output } = await run([...args, '--json'], options)
  return { code, shown: JSON.parse(output) as Shown }
}

/** With all that AWS leaves open and a switch decides. */
const undecidedTemplate = `
Parameters:
  AWS::IoT::Certificate::SerialNumber: {Type: String}
Resources:
  thing:
    Type: AWS::IoT::Thing
    Properties:
      ThingName: {"Fn::Join": ["-", ["meter", {Ref: AWS::IoT::Certificate::SerialNumber}]]}
  certificate:
    Type: AWS::IoT::Certificate
    Properties:
      CertificateId: {Ref: AWS::IoT::Certificate::Id}
      Status: ACTIVE
  policy:
    Type: AWS::IoT::Policy
    Properties:
      PolicyName: meters
`

describe('mintline template check', () => {
  it('accepts with warnings', async () => {
    const { code, shown } = await runJson(['check', fixturePath('aws-article.json')])
    expect(code).toBe(0)
    expect(shown).toMatchObject({
      accepted: true,
      form: 'registration-config',
      requiredSubjectFields: ['Country'],
      prediction: null
    })
    expect(shown.findings.map(({ id }) => id)).toContain('thing-named-by-id')
    expect(shown.findings.every(({ atAws, remedy }) => atAws !== '' && remedy !== '')).toBe(true)
  })

  it('refuses with errors', async () => {
    const { code, shown } = await runJson(['check', fixturePath('guide-bulk.json')])
    expect(code).toBe(1)
    expect(shown.accepted).toBe(false)
  })

  it('takes the source of SerialNumber from the command line', async () => {
    const file = fixturePath('guide-jitp.json')
    expect((await run(['check', file])).code).toBe(1)
    expect((await run(['check', file, '--serial-number-source', 'certificate'])).code).toBe(0)
    expect((await run(['check', file, '--serial-number-source', 'neither'])).code).toBe(2)
  })

  it('takes every switch, and reads YAML', async () => {
    const flags = [
      '--serial-number-source',
      'subject',
      '--undeclared-certificate-id',
      'accept',
      '--functions'
    ]
    const checked = async (...args: string[]) => {
      const { code, shown } = await runJson(['check', '-', ...args], { input: undecidedTemplate })
      return [code, shown.findings.filter(({ severity }) => severity === 'error').map(({ id }) => id)]
    }
    expect(await checked()).toEqual([
      1,
      ['serial-number-source-missing', 'function-not-for-jitp', 'certificate-id-undeclared']
    ])
    expect(await checked(...flags, 'accept')).toEqual([0, []])
    expect((await run(['check', '-', ...flags, 'perhaps'], { input: undecidedTemplate })).code).toBe(2)
  })

  it('reads standard input', async () => {
    expect((await run(['check', '-'], { input: readFixture('recommended.json') })).code).toBe(0)
    expect((await run(['check', '-'], { input: '{' })).code).toBe(1)
  })

  it('points at the character in the line', async () => {
    const { output } = await run(['check', fixturePath('hand-edited.json')])
    const lines = output.split('\n')
    const at = lines.findIndex(line => line.startsWith('14:90 error certificate-not-active'))
    const shown = lines[at + 1] ?? ''
    const caret = (lines[at + 2] ?? '').indexOf('^')
    expect(shown.slice(caret)).toMatch(/^"INACTIVE"/)
  })

  it('cuts long lines around the place', async () => {
    const { output } = await run(['check', fixturePath('template-stamp-attribute.json')])
    const lines = output.split('\n')
    const at = lines.findIndex(line => line.includes(' error attribute-value-invalid'))
    const caret = (lines[at + 2] ?? '').indexOf('^')
    expect(lines[at + 1]?.slice(caret)).toMatch(/^\\"\{\{timestamp/)
    expect(lines[at + 1]?.length).toBeLessThan(110)
  })

  it('has colours on a terminal only, and not under NO_COLOR', async () => {
    const args = ['check', fixturePath('hand-edited.json')]
    const plain = (await run(args)).output
    const coloured = (await run(args, { isTerminal: true })).output
    expect(plain).toBe(stripVTControlCharacters(plain))
    expect(coloured).not.toBe(plain)
    expect(stripVTControlCharacters(coloured)).toBe(plain)
    expect((await run(args, { isTerminal: true, noColour: '1' })).output).toBe(plain)
    expect((await run(args, { isTerminal: true, noColour: '' })).output).toBe(coloured)
  })
})

describe('mintline template check of a device', () => {
  const commonName = 'SN-0042'

  it('predicts the thing for a CSR', needs('openssl'), async () => {
    const file = write('by-name.json', JSON.stringify(templateOf()))
    const { code, shown } = await runJson(['check', file, '--csr', csrPath('openssl-p256.pem')])
    const subject = execFileSync(
      'openssl',
      ['req', '-in', csrPath('openssl-p256.pem'), '-noout', '-subject', '-nameopt', 'multiline'],
      { encoding: 'utf8' }
    )
    expect(code).toBe(0)
    expect(shown.prediction?.thing.thingName).toBe(/commonName\s*=\s*(.*)/.exec(subject)?.[1])
  })

  it('refuses a CSR that lacks a field, and points at its declaration', async () => {
    const file = write(
      'by-state.json',
      JSON.stringify(templateOf({ parameters: ['CommonName', 'StateName', 'Id'] }), null, 2)
    )
    const { code, shown } = await runJson(['check', file, '--csr', csrPath('openssl-p256.pem')])
    expect(code).toBe(1)
    expect(shown.findings.find(({ severity }) => severity === 'error')).toMatchObject({
      id: 'subject-field-missing',
      position: { line: 6 }
    })
  })

  it('predicts the thing named by Id for a certificate', needs('openssl'), async () => {
    const key = path.join(directory.path, 'key.pem')
    const certificate = path.join(directory.path, 'certificate.pem')
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key,
        '-out',
        certificate,
        '-subj',
        `/C=AT/CN=${commonName}`,
        '-days',
        '2'
      ],
      { stdio: 'ignore' }
    )
    const fingerprint = execFileSync(
      'openssl',
      ['x509', '-in', certificate, '-noout', '-fingerprint', '-sha256'],
      { encoding: 'utf8' }
    )
    const { code, shown } = await runJson(['check', fixturePath('aws-article.json'), '--cert', certificate])
    expect(code).toBe(0)
    expect(shown.prediction?.thing).toMatchObject({
      thingName: fingerprint.replace(/^.*=/, '').replaceAll(':', '').trim().toLowerCase(),
      attributes: { version: 'v1', country: 'AT' }
    })
    const text = (await run(['check', fixturePath('aws-article.json'), '--cert', certificate])).output
    expect(text).toContain(shown.prediction?.thing.thingName)
  })

  it('refuses a certificate that has a name twice, as it refuses such a CSR', async () => {
    const { certificatePem } = await makeCertificate({ commonNames: ['unit-1', 'unit-2'] })
    const certificate = write('two-names.pem', certificatePem)
    const { code, errors } = await run(['check', fixturePath('recommended.json'), '--cert', certificate])
    expect(code).toBe(2)
    expect(errors).toContain('CommonName')
  })

  it('says that the serial number of a CSR is an example', async () => {
    const template = templateOf({
      parameters: ['SerialNumber', 'Id'],
      thing: { ThingName: ref('SerialNumber') }
    })
    const args = [
      'check',
      write('by-serial.json', JSON.stringify(template)),
      '--csr',
      csrPath('openssl-p256.pem')
    ]
    expect((await run([...args, '--serial-number-source', 'certificate'])).output).toMatch(/example/)
  })
})

describe('mintline template cannot read', () => {
  it.each<[string, () => string[]]>([
    ['no file', () => ['check', path.join(directory.path, 'absent.json')]],
    ['a directory', () => ['check', directory.path]],
    ['a file in another encoding', () => ['check', write('utf16.json', Buffer.from('{}', 'utf16le'))]],
    ['bytes that are no text', () => ['check', write('bytes.json', new Uint8Array([0x7b, 0xff, 0xfe]))]],
    [
      'an absent CSR',
      () => ['check', fixturePath('recommended.json'), '--csr', path.join(directory.path, 'absent.csr')]
    ],
    [
      'a CSR that is none',
      () => ['check', fixturePath('recommended.json'), '--csr', fixturePath('README.md')]
    ],
    [
      'a certificate that is none',
      () => ['check', fixturePath('recommended.json'), '--cert', csrPath('openssl-p256.pem')]
    ],
    [
      'CSR and certificate at once',
      () => ['check', fixturePath('recommended.json'), '--csr', 'a', '--cert', 'b']
    ],
    ['two files', () => ['check', 'a', 'b']],
    ['an unknown command', () => ['validate', fixturePath('recommended.json')]],
    ['an unknown option', () => ['check', fixturePath('recommended.json'), '--strict']],
    ['a role that is none', () => ['export', fixturePath('recommended.json'), '--role-arn', 'me']],
    ['nothing at all', () => []]
  ])('%s', async (_, args) => {
    const { code, output, errors } = await run(args())
    expect({ code, output }).toEqual({ code: 2, output: '' })
    expect(errors).toMatch(/^mintline template: /)
  })
})

describe('mintline template explain', () => {
  it('explains, and fails where nothing of it would happen', async () => {
    expect(await run(['explain', fixturePath('recommended.json')])).toMatchObject({ code: 0, errors: '' })
    const broken = await run(['explain', fixturePath('guide-fleet.json')])
    expect(broken.code).toBe(1)
    expect(broken.output).toMatch(/thing/)
    expect(broken.errors).not.toBe('')
  })
})

describe('mintline template export', () => {
  const role = 'arn:aws:iam::210987654321:role/line-provisioning'

  it.each(['aws-article.json', 'recommended.json', 'unescaped-body.json', 'status-in-mixed-case.json'])(
    'makes of %s what check then accepts',
    async name => {
      const { code, output } = await run(['export', fixturePath(name), '--role-arn', role])
      expect(code).toBe(0)
      const file = write(`exported-${name}`, output)
      expect((await runJson(['check', file])).shown).toMatchObject({
        accepted: true,
        form: 'registration-config'
      })
      expect(readTemplateSource(readFileSync(file, 'utf8')).roleArn).toBe(role)
    }
  )

  it('keeps the role of the file', async () => {
    const { output } = await run(['export', fixturePath('aws-article.json')])
    expect(JSON.parse(output)).toEqual({
      ...(JSON.parse(readFixture('aws-article.json')) as object),
      templateBody: expect.any(String) as string,
      roleArn: role
    })
  })

  it('says that a role is still wanted', async () => {
    const { code, output, errors } = await run(['export', fixturePath('recommended.json')])
    expect({ code, errors: errors !== '' }).toEqual({ code: 0, errors: true })
    expect(readTemplateSource(output).findings.map(({ id }) => id)).toEqual(['role-arn-invalid'])
  })

  it('fails where the template itself is wrong', async () => {
    expect((await run(['export', fixturePath('guide-bulk.json'), '--role-arn', role])).code).toBe(1)
    expect(await run(['export', write('none.json', '[]'), '--role-arn', role])).toMatchObject({
      code: 1,
      output: ''
    })
  })
})
