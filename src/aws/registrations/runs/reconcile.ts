import type { StoredAuthority } from '../../../authorities/authority-store.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { certificateIdHex } from '../../../pki/certificate/certificate.ts'
import { encodeCertificatePem } from '../../../pki/pem/pem.ts'
import type { ObservedRegistration, TargetRegistration } from '../../iot/ca-registration.ts'
import type { Drift } from '../../iot/examination.ts'
import type { CaUpdate } from '../../iot/iot-control.ts'
import { type Observation, observe } from '../../iot/observation.ts'
import { provideTemplate } from '../../iot/stored-templates/stored-template.ts'
import { type ExaminationRequest, examineAccount } from './account-examination.ts'
import { findDrift } from './drift.ts'
import { findHold, type Hold } from './live-change.ts'
import type { Turn } from './rollout.ts'

/** Does one step and records how it went: the text is what was done; without one there was nothing to do. */
export type RecordStep = (step: StepName, work: () => Promise<string | undefined>) => Promise<void>

type StepName =
  | 'look'
  | 'lint'
  | 'role'
  | 'references'
  | 'policy'
  | 'logs'
  | 'hold'
  | 'template'
  | 'registration-code'
  | 'verification-intent'
  | 'verification-certificate'
  | 'register'
  | 'update'
  | 'read-back'

export interface ReconcileRun extends ExaminationRequest {
  readonly authority: StoredAuthority
  /** Whether it is on record that the CA is registered. */
  readonly isKnown: boolean
  /** Throws when the CA may not be registered, told whether it is; gives what is legal and may not be meant. */
  readonly lint: (isRegistered: boolean) => readonly string[]
  /** A certificate for the registration code, in DER. */
  readonly verify: (registrationCode: string) => Promise<Uint8Array>
  /** Throws when something newer was asked for since the run began. */
  readonly assertNewest: () => Promise<void>
  readonly step: RecordStep
  readonly note: (step: StepName, detail: string) => Promise<void>
  /** Whether the newest version of the profile may go here already. */
  readonly findTurn: () => Promise<Turn>
}

export interface Comparison {
  readonly observation: Observation | undefined
  readonly drift: readonly Drift[]
  /** Why the template is left as it was. */
  readonly hold?: Hold | undefined
}

/** AWS may take away more than it was asked to when it removes a config; a second update mends that. */
const maximumUpdates = 2

/**
 * Brings AWS IoT to the target and reads it back. Whatever is as it should be is left alone, so that a run after a
 * crash does what is left to do.
 *
 * @throws MintlineError `aws_registration_invalid`, `aws_refused`, `aws_unavailable`, `job_interrupted` when something
 * newer was asked for, and what the CA key's store throws.
 */
export async function reconcile(run: ReconcileRun): Promise<Comparison> {
  const { access, authority, resolved, lint, step } = run
  const { provisioning } = resolved.target
  const certificateId = certificateIdHex(authority.certificateDer)
  let observation = await looked(run, 'look')
  // Before all that can fail: a CA that is no longer trusted is not kept at work by a rule, a template or a role.
  const switchOff = observation && switchOffFor(resolved.target, observation.observed)
  if (switchOff !== undefined) {
    await update(run, certificateId, switchOff)
    observation = await looked(run, 'read-back')
  }
  for (const warning of lint(observation !== undefined)) await run.note('lint', warning)
  // By somebody else, or by a run that died before it could say so.
  if (observation !== undefined && !run.isKnown)
    await step('register', async () => `was registered already as ${certificateId}`)
  const accountDrift = await noteExaminations(run)
  const { iot } = access
  const hold = await findHold({ iot, provisioning, observation, accountDrift, findTurn: run.findTurn })
  if (hold !== undefined) await run.note('hold', hold.detail)
  else observation = await provide(run, observation)
  for (let updates = 0; observation !== undefined && updates < maximumUpdates; updates++) {
    const change = updateFor(resolved.target, observation, hold !== undefined)
    if (change === undefined) break
    await update(run, certificateId, change)
    observation = await looked(run, 'read-back')
  }
  return { observation, drift: [...findDrift(resolved.target, observation), ...accountDrift], hold }
}

/** Sees to it that the stored template and the CA are there. @returns the CA as it is then. */
async function provide(run: ReconcileRun, before: Observation | undefined): Promise<Observation | undefined> {
  const { access, authority, resolved } = run
  const { provisioning } = resolved.target
  let observation = before
  const templateName = provisioning?.templateName ?? null
  if (provisioning !== null && templateName !== null) {
    const wanted = { ...provisioning, templateName }
    await effect(run, 'template', () => provideTemplate(access.iot, wanted))
    // The template of a CA that names it may be another one now.
    if (observation !== undefined) observation = await looked(run, 'read-back')
  }
  if (observation === undefined) {
    await register(run, certificateIdHex(authority.certificateDer))
    observation = await looked(run, 'read-back')
  }
  return observation
}

/** A change at AWS. A run that paused for long must not undo what a later one has done for what is asked for now. */
async function effect(run: ReconcileRun, ...[name, work]: Parameters<RecordStep>): Promise<void> {
  await run.assertNewest()
  await run.step(name, work)
}

function update(run: ReconcileRun, certificateId: string, change: CaUpdate): Promise<void> {
  return effect(run, 'update', async () => {
    await run.access.iot.updateCa(certificateId, change)
    return describeUpdate(change)
  })
}

/** Reads back and changes nothing. @throws MintlineError `aws_refused`, `aws_unavailable`. */
export async function compare(
  run: Pick<ReconcileRun, 'access' | 'authority' | 'resolved' | 'policies' | 'earlierDrift'>
): Promise<Comparison> {
  const { access, authority, resolved } = run
  const observation = await observe(access.iot, certificateIdHex(authority.certificateDer))
  const accountDrift = (await examineAccount(run)).flatMap(({ drift }) => drift)
  return { observation, drift: [...findDrift(resolved.target, observation), ...accountDrift] }
}

/** A look is worth a record only where it fails. */
async function looked(
  { access, authority, step }: ReconcileRun,
  name: 'look' | 'read-back'
): Promise<Observation | undefined> {
  let observation: Observation | undefined
  await step(name, async () => {
    observation = await observe(access.iot, certificateIdHex(authority.certificateDer))
    return undefined
  })
  return observation
}

async function noteExaminations(run: ReconcileRun): Promise<readonly Drift[]> {
  const examinations = await examineAccount(run)
  for (const { of, drift, notes } of examinations) {
    for (const text of notes) await run.note(of, text)
    for (const { field, expected, found } of drift)
      await run.note(
        of,
        `${field}: expected ${expected}, found ${found}. Devices stay pending until it is mended.`
      )
  }
  return examinations.flatMap(({ drift }) => drift)
}

async function register(run: ReconcileRun, certificateId: string): Promise<void> {
  // A code that AWS does not take any more is fetched anew, once.
  const codeRefusal = await tryRegister(run, certificateId)
  if (codeRefusal === undefined) return
  await run.note('register', `AWS refused the verification certificate: ${codeRefusal}`)
  const again = await tryRegister(run, certificateId)
  if (again === undefined) return
  throw new MintlineError(
    'aws_refused',
    `AWS refuses iot:RegisterCACertificate (RegistrationCodeValidationException): ${again} The code was fetched twice.`
  )
}

/** @returns why AWS refused the registration code, or undefined when the CA is registered. */
async function tryRegister(run: ReconcileRun, certificateId: string): Promise<string | undefined> {
  const { access, authority, resolved } = run
  const { target } = resolved
  const verificationCertificatePem =
    target.certificateMode === 'DEFAULT' ? encodeCertificatePem(await verification(run)) : undefined
  let refusal: string | undefined
  await effect(run, 'register', async () => {
    const outcome = await access.iot.registerCa({
      caCertificatePem: encodeCertificatePem(authority.certificateDer),
      verificationCertificatePem,
      certificateMode: target.certificateMode,
      setAsActive: target.status === 'ACTIVE',
      allowAutoRegistration: target.autoRegistration === 'ENABLE',
      registrationConfig: configOf(target)
    })
    if (outcome.kind === 'registered') return `registered as ${certificateId}`
    if (outcome.kind === 'code-refused') {
      refusal = outcome.message
      return undefined
    }
    // Ours, and the answer to it was lost; or the same CA in another account.
    if (outcome.resourceId !== undefined && outcome.resourceId !== certificateId)
      throw otherCertificate(outcome.resourceId)
    if ((await access.iot.describeCa(certificateId)) === undefined) throw registeredElsewhere(target)
    return `was registered already as ${certificateId}`
  })
  return refusal
}

async function verification({ access, step, verify }: ReconcileRun): Promise<Uint8Array> {
  let code = ''
  await step('registration-code', async () => {
    code = await access.iot.getRegistrationCode()
    return 'fetched'
  })
  return verify(code)
}

function configOf({ provisioning }: TargetRegistration) {
  if (provisioning === null) return undefined
  const { templateName, templateBody, roleArn } = provisioning
  return templateName === null ? { templateBody, roleArn } : { templateName }
}

/** What UpdateCACertificate must change; undefined where nothing. The mode cannot be changed, and a stored template is changed by itself. */
function updateFor(
  target: TargetRegistration,
  observation: Observation,
  keepsConfig: boolean
): CaUpdate | undefined {
  const { provisioning } = target
  const differs = new Set(findDrift(target, observation).map(({ field }) => field))
  const isConfigOff =
    !keepsConfig &&
    (differs.has('templateName') ||
      (provisioning?.templateName == null && (differs.has('roleArn') || differs.has('template'))))
  const update: CaUpdate = {
    ...(differs.has('status') && { status: target.status }),
    ...(differs.has('autoRegistration') && { autoRegistration: target.autoRegistration }),
    ...(isConfigOff && provisioning === null && { removeRegistrationConfig: true }),
    ...(isConfigOff && provisioning !== null && { registrationConfig: configOf(target) })
  }
  return Object.keys(update).length === 0 ? undefined : update
}

/** What is to be off and is on. */
function switchOffFor(target: TargetRegistration, observed: ObservedRegistration): CaUpdate | undefined {
  const change: CaUpdate = {
    ...(target.status === 'INACTIVE' && observed.status === 'ACTIVE' && { status: 'INACTIVE' }),
    ...(target.autoRegistration === 'DISABLE' &&
      observed.autoRegistration === 'ENABLE' && { autoRegistration: 'DISABLE' })
  }
  return Object.keys(change).length === 0 ? undefined : change
}

function describeUpdate({
  status,
  autoRegistration,
  registrationConfig,
  removeRegistrationConfig
}: CaUpdate): string {
  return [
    ...(status === undefined ? [] : [`status ${status}`]),
    ...(autoRegistration === undefined ? [] : [`auto-registration ${autoRegistration}`]),
    ...(registrationConfig === undefined ? [] : ['a new registration config']),
    ...(removeRegistrationConfig === undefined ? [] : ['no registration config'])
  ].join(', ')
}

function registeredElsewhere({ certificateMode }: TargetRegistration): MintlineError {
  const advice =
    certificateMode === 'DEFAULT'
      ? 'Only one account of a region may hold a CA in DEFAULT mode: delete it there, or ask for SNI_ONLY here.'
      : 'Another account of the region holds it in DEFAULT mode: delete it there first.'
  return new MintlineError(
    'aws_refused',
    `AWS refuses iot:RegisterCACertificate (ResourceAlreadyExistsException), and this account does not hold the CA. ${advice}`
  )
}

function otherCertificate(resourceId: string): MintlineError {
  return new MintlineError(
    'aws_refused',
    `AWS refuses iot:RegisterCACertificate (ResourceAlreadyExistsException): it names the CA ${resourceId}, which is not this one.`
  )
}
