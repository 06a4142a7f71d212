import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isMintlineError } from '../../errors/mintline-error.ts'
import { examineTemplate } from '../../jitp/checks/check.ts'
import { compileTemplate, requiredSubjectFields } from '../../jitp/evaluation/compile.ts'
import { type CertificateFacts, evaluateTemplate, type Evaluation } from '../../jitp/evaluation/evaluate.ts'
import { isError } from '../../jitp/findings/finding.ts'
import { exportRegistrationConfig, roleArnPlaceholder } from '../../jitp/reading/registration-config.ts'
import { isRoleArn } from '../../jitp/reading/role-arn.ts'
import { readTemplateSource, type TemplateSource } from '../../jitp/reading/template-source.ts'
import { explainTemplate } from '../../jitp/template/explain.ts'
import type { TemplateOptions } from '../../jitp/template/options.ts'
import { certificateIdHex, parseCertificate } from '../../pki/certificate/certificate.ts'
import { decodeCertificate } from '../../pki/certificate/intake.ts'
import { assertSubjectReadable, parseCertificationRequest } from '../../pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../pki/csr/intake.ts'
import { subjectOf, throwSubjectViolations } from '../../pki/name/name.ts'
import { type CommandIo, UsageError } from '../command.ts'
import { type CheckOutcome, renderFindings, renderJson, renderPrediction } from './rendering.ts'
import { readSwitches, switchFlags, switchUsage } from './switches.ts'

export interface TemplateCommandIo extends CommandIo {
  /** Whether standard output is a terminal; colours are used there unless NO_COLOR is set. */
  readonly isTerminal: boolean
  readonly standardInput: AsyncIterable<Uint8Array | string>
}

export const templateUsage = `usage: mintline template check FILE [--csr FILE | --cert FILE] [switches] [--json]
       mintline template explain FILE [switches]
       mintline template export FILE [--role-arn ARN] [switches]

FILE holds a provisioning template or its body, as JSON or YAML, the registration config of the AWS CLI, what it prints of
a stored template, a template of CloudFormation, or what \`terraform show -json\` prints; - is standard input.
check    says what AWS IoT would make of it; with a CSR or certificate, of that device
explain  says in plain words what it creates
export   writes the registration config for \`aws iot register-ca-certificate --registration-config file://…\`

${switchUsage}`

/** What the person at the keyboard must correct before the command can do its work. */
class CommandRefusal extends Error {}

/**
 * Runs \`mintline template …\`. Exit code 0: accepted, perhaps with warnings. 1: refused. 2: wrong usage, or a file
 * that could not be read. Needs no service and no database.
 */
export async function runTemplateCommand(args: readonly string[], io: TemplateCommandIo): Promise<number> {
  try {
    const { command, file, flags } = parseCommand(args)
    const text = decodeText(await readBytes(file, io), file)
    const source = readTemplateSource(text)
    const options = readSwitches(flags)
    if (command === 'explain') return explain(source, options, io)
    if (command === 'export') return exportConfig(source, { options, roleArn: flags['role-arn'] }, io)
    const facts = await readFacts(flags.csr, flags.cert, io)
    const outcome = checkOutcome(source, options, facts)
    if (flags.json === true) io.write(renderJson(outcome))
    else writeOutcome(outcome, { text, hasExample: isExampleShown(facts, options) }, io)
    return outcome.accepted ? 0 : 1
  } catch (error) {
    if (!(error instanceof CommandRefusal || error instanceof UsageError)) throw error
    io.writeError(`mintline template: ${error.message}\n`)
    return 2
  }
}

function parseCommand(args: readonly string[]) {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        csr: { type: 'string' },
        cert: { type: 'string' },
        ...switchFlags,
        'role-arn': { type: 'string' },
        json: { type: 'boolean' }
      }
    })
    const [command, file, ...more] = positionals
    if (!['check', 'explain', 'export'].includes(command ?? '') || file === undefined || more.length > 0) {
      throw new CommandRefusal(`give one command and one file\n\n${templateUsage}`)
    }
    if (values.csr !== undefined && values.cert !== undefined)
      throw new CommandRefusal('give --csr or --cert, not both')
    return { command, file, flags: values }
  } catch (error) {
    if (error instanceof CommandRefusal || !(error instanceof TypeError)) throw error
    throw new CommandRefusal(`${error.message}\n\n${templateUsage}`)
  }
}

async function readBytes(file: string, io: TemplateCommandIo): Promise<Uint8Array> {
  try {
    if (file !== '-') return await readFile(file)
    const chunks: Buffer[] = []
    for await (const chunk of io.standardInput) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    throw new CommandRefusal(`cannot read ${file} (${reason})`)
  }
}

function decodeText(bytes: Uint8Array, file: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    // UTF-16 without a byte order mark decodes as UTF-8 full of NUL characters.
    if (!text.includes('\0')) return text
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  throw new CommandRefusal(`${file} is not UTF-8 text; PowerShell writes UTF-16 unless told otherwise`)
}

async function readFacts(
  csr: string | undefined,
  cert: string | undefined,
  io: TemplateCommandIo
): Promise<CertificateFacts | undefined> {
  const file = csr ?? cert
  if (file === undefined) return undefined
  const bytes = await readBytes(file, io)
  try {
    return csr === undefined ? certificateFacts(bytes) : requestFacts(bytes)
  } catch (error) {
    if (!isMintlineError(error)) throw error
    throw new CommandRefusal(`${file}: ${error.detail}`)
  }
}

function certificateFacts(bytes: Uint8Array): CertificateFacts {
  const der = decodeCertificate(bytes)
  const { subject, subjectName, serialNumber } = parseCertificate(der)
  throwSubjectViolations(subjectName.violations)
  return { subject, certificateSerialNumber: serialNumber, certificateId: certificateIdHex(der) }
}

/** The CA chooses the serial number, so that a prediction for a CSR shows an example. */
const exampleSerialNumber = new Uint8Array(16).fill(0x11)

function requestFacts(bytes: Uint8Array): CertificateFacts {
  const request = parseCertificationRequest(decodeCertificationRequest(bytes))
  assertSubjectReadable(request)
  return { subject: subjectOf({ attributes: request.subject }), certificateSerialNumber: exampleSerialNumber }
}

/** Whether the prediction shows a serial number that the certificate will not have. */
function isExampleShown(
  facts: CertificateFacts | undefined,
  { serialNumberSource }: TemplateOptions
): boolean {
  return facts?.certificateSerialNumber === exampleSerialNumber && serialNumberSource === 'certificate'
}

function writeOutcome(
  outcome: CheckOutcome,
  { text, hasExample }: { readonly text: string; readonly hasExample: boolean },
  io: TemplateCommandIo
): void {
  const hasColour = io.isTerminal && (io.environment.NO_COLOR ?? '') === ''
  io.write(renderFindings(outcome, text, hasColour))
  if (outcome.prediction !== undefined) io.write(renderPrediction(outcome.prediction))
  if (hasExample) io.write('The serial number in this prediction is an example: the CA chooses it.\n')
}

function checkOutcome(
  source: TemplateSource,
  options: TemplateOptions,
  facts: CertificateFacts | undefined
): CheckOutcome {
  const examination = examineTemplate(source, options)
  const { findings } = examination
  const { form } = source
  if (findings.some(isError))
    return { accepted: false, form, findings, requiredFields: [], prediction: undefined }
  const compiled = compileTemplate(examination, options)
  const requiredFields = requiredSubjectFields(compiled)
  const evaluation: Evaluation | undefined = facts && evaluateTemplate(compiled, facts)
  if (evaluation?.ok === false) {
    const located = evaluation.findings.map(finding => ({
      ...finding,
      position: source.sourceMap.positionOf(finding.pointer)
    }))
    return {
      accepted: false,
      form,
      findings: [...findings, ...located],
      requiredFields,
      prediction: undefined
    }
  }
  return { accepted: true, form, findings, requiredFields, prediction: evaluation?.prediction }
}

function explain(source: TemplateSource, options: TemplateOptions, io: TemplateCommandIo): number {
  const { template, findings } = examineTemplate(source, options)
  const errors = findings.filter(isError)
  if (source.value !== undefined) io.write(`${explainTemplate(template, options).join('\n')}\n`)
  if (errors.length === 0) return 0
  const count = errors.length === 1 ? 'an error' : `${errors.length} errors`
  io.writeError(
    `The template has ${count}, and none of this would happen: see \`mintline template check\`.\n`
  )
  return 1
}

function exportConfig(
  source: TemplateSource,
  { options, roleArn }: { readonly options: TemplateOptions; readonly roleArn: string | undefined },
  io: TemplateCommandIo
): number {
  if (roleArn !== undefined && !isRoleArn(roleArn))
    throw new CommandRefusal('--role-arn is not the ARN of a role')
  if (source.value === undefined) {
    io.writeError('There is no template to export: see `mintline template check`.\n')
    return 1
  }
  const arn = roleArn ?? source.roleArn
  const text = exportRegistrationConfig(source.value, arn ?? roleArnPlaceholder)
  io.write(text)
  if (arn === undefined) io.writeError('Put the ARN of the role into roleArn, or give --role-arn.\n')
  // Escaping, quotes and the role are mended by now; only what is wrong with the template itself counts.
  const exported: unknown = JSON.parse(text)
  const body = readTemplateSource((exported as { templateBody: string }).templateBody)
  const errors = examineTemplate(body, { serialNumberSource: 'certificate', ...options }).findings.filter(
    isError
  )
  if (errors.length === 0) return 0
  io.writeError('The template itself still has errors: see `mintline template check`.\n')
  return 1
}
