import { hash } from 'node:crypto'
import { parseCertificate } from '../../pki/certificate/certificate.ts'
import { formatName } from './subject-text.ts'

interface TranscriptTool {
  readonly name: string
  readonly version: string
  readonly nodeVersion: string
  readonly opensslVersion: string
}

export interface TranscriptFile {
  /** As the operator named it, or the name inside the output folder. */
  readonly file: string
  readonly sha256Hex: string
  readonly bytes: number
}

/** What a certificate says, as far as the people at the ceremony are to compare it. */
export interface TranscriptCertificate {
  readonly subject: string
  readonly issuer: string
  readonly serialNumberHex: string
  readonly notBefore: string
  readonly notAfter: string
  readonly pathLength: number | null
  readonly signatureAlgorithm: string
  readonly sha256Hex: string
  readonly spkiSha256Hex: string
}

/** The record of a ceremony, to be filed. It holds no secret and no trace of one: passphrase files are not listed. */
export interface Transcript {
  readonly format: 'mintline-ceremony/1'
  readonly ceremony: 'root' | 'sign'
  readonly time: string
  readonly tool: TranscriptTool
  readonly operators: readonly string[]
  readonly parameters: Readonly<Record<string, string | number>>
  readonly inputs: readonly TranscriptFile[]
  readonly outputs: readonly TranscriptFile[]
  /** The new certificate first, then the root that signed it. */
  readonly certificates: readonly TranscriptCertificate[]
}

export function describeFile(file: string, content: Uint8Array | string): TranscriptFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return { file, sha256Hex: hash('sha256', bytes), bytes: bytes.length }
}

export function describeCertificate(der: Uint8Array): TranscriptCertificate {
  const certificate = parseCertificate(der)
  const { subjectName, issuerName, serialNumber, notBefore, notAfter, signatureAlgorithm } = certificate
  return {
    subject: formatName(subjectName.attributes),
    issuer: formatName(issuerName.attributes),
    serialNumberHex: Buffer.from(serialNumber).toString('hex'),
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    pathLength: certificate.extensions.basicConstraints?.pathLength ?? null,
    signatureAlgorithm: signatureAlgorithm.found,
    sha256Hex: hash('sha256', der),
    spkiSha256Hex: hash('sha256', certificate.subjectPublicKeyInfo.der)
  }
}

export function renderTranscriptJson(transcript: Transcript): string {
  return `${JSON.stringify(transcript, null, 2)}\n`
}

const titles = { root: 'Making of an offline root', sign: 'Signing of an issuing authority' } as const

/** The same for a person, with a line to sign for each operator. */
export function renderTranscriptText(transcript: Transcript): string {
  const { ceremony, time, tool, operators, parameters, inputs, outputs, certificates } = transcript
  const files = (list: readonly TranscriptFile[]) =>
    list.flatMap(({ file, sha256Hex, bytes }) => [`  ${file} (${bytes} bytes)`, `    SHA-256 ${sha256Hex}`])
  const lines = [
    titles[ceremony],
    '',
    `Time       ${time}`,
    `Tool       ${tool.name} ${tool.version}, Node ${tool.nodeVersion}, OpenSSL ${tool.opensslVersion}`,
    `Operators  ${operators.join(', ') || '(none named)'}`,
    ...Object.entries(parameters).map(([name, value]) => `${name.padEnd(10)} ${value}`),
    ...(inputs.length === 0 ? [] : ['', 'Inputs', ...files(inputs)]),
    '',
    'Outputs',
    ...files(outputs),
    ...certificates.flatMap((certificate, index) => [
      '',
      index === 0 ? 'New certificate' : 'Signed by',
      ...certificateLines(certificate)
    ]),
    '',
    ...operators.flatMap(operator => ['', `______________________________  ${operator}`]),
    ''
  ]
  return lines.join('\n')
}

function certificateLines(certificate: TranscriptCertificate): readonly string[] {
  return [
    `  Subject      ${certificate.subject}`,
    `  Issuer       ${certificate.issuer}`,
    `  Serial       ${certificate.serialNumberHex}`,
    `  Valid        ${certificate.notBefore} to ${certificate.notAfter}`,
    `  Path length  ${certificate.pathLength ?? 'not limited'}`,
    `  Signed with  ${certificate.signatureAlgorithm}`,
    `  SHA-256      ${certificate.sha256Hex}`,
    `  Key SHA-256  ${certificate.spkiSha256Hex}`
  ]
}
