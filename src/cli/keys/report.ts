import type { AuditedKey, KeyAuditReport, KeyFinding } from '../../factory/key-audit/key-audit.ts'

/** With how many keys are new on the list of blocked ones, where they were to be put there. */
export interface RenderedReport extends KeyAuditReport {
  readonly blocked?: number
}

const mostFindings = 100
const mostKeys = 20

export function renderReport({ keys, unreadable, findings, blocked }: RenderedReport): string {
  const more = findings.length - mostFindings
  return [
    `${keys.toLocaleString('en')} RSA keys on record.`,
    ...(unreadable > 0
      ? [`${unreadable} could not be read: their records were changed in the database.`]
      : []),
    ...(findings.length === 0 ? ['Nothing was found.'] : []),
    ...findings.slice(0, mostFindings).flatMap(renderFinding),
    ...(more > 0 ? [`… and ${more} findings more: --json has them all.`] : []),
    ...(findings.length > 0 ? ['', adviceOf(blocked)] : []),
    ''
  ].join('\n')
}

function adviceOf(blocked: number | undefined): string {
  const takeOut = 'Take the certificates out of use, and find out what made the keys.'
  if (blocked === undefined)
    return `Anybody can compute these private keys. ${takeOut} --block puts the keys on the list.`
  return `${blocked} keys are new on the list of blocked keys. ${takeOut}`
}

function renderFinding(finding: KeyFinding): readonly string[] {
  const { keys } = finding
  const more = keys.length - mostKeys
  return [
    '',
    titleOf(finding),
    ...keys.slice(0, mostKeys).map(renderKey),
    ...(more > 0 ? [`  … and ${more} more: --json has them all.`] : [])
  ]
}

function titleOf(finding: KeyFinding): string {
  switch (finding.kind) {
    case 'shared-factor':
      return `shared-factor: ${finding.keys.length} keys have a prime in common`
    case 'same-modulus':
      return `same-modulus: ${finding.keys.length} keys have one modulus`
    case 'weak':
      return `weak: ${finding.weaknesses.join(', ')}`
  }
}

function renderKey(key: AuditedKey): string {
  const { issuanceId, thingName, subject, station, requestedAt, certificateId, isBlocked } = key
  const name = JSON.stringify(subject.CommonName ?? subject.SerialNumber ?? '')
  const thing = thingName === null ? '' : `thing ${JSON.stringify(thingName)}, `
  const certificate = certificateId === null ? 'no certificate' : `certificate ${certificateId}`
  const blocked = isBlocked ? ', blocked' : ''
  return `  ${issuanceId}  ${name}  ${thing}${station}, ${requestedAt.toISOString()}, ${certificate}${blocked}`
}
