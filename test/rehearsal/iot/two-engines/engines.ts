import { examineTemplate } from '../../../../src/jitp/checks/check.ts'
import { compileTemplate } from '../../../../src/jitp/evaluation/compile.ts'
import { type CertificateFacts, evaluateTemplate } from '../../../../src/jitp/evaluation/evaluate.ts'
import { isError } from '../../../../src/jitp/findings/finding.ts'
import { readTemplateSource } from '../../../../src/jitp/reading/template-source.ts'
import type { TemplateOptions } from '../../../../src/jitp/template/options.ts'
import { certificateIdHex, parseCertificate } from '../../../../src/pki/certificate/certificate.ts'
import { decodeCertificate } from '../../../../src/pki/certificate/intake.ts'
import { throwSubjectViolations } from '../../../../src/pki/name/name.ts'
import { IotRefusal } from '../../../../src/rehearsal/iot/iot-refusal.ts'
import { readCertificateParameters } from '../../../../src/rehearsal/iot/provisioning/certificate-parameters.ts'
import { registerThing } from '../../../../src/rehearsal/iot/provisioning/provisioning.ts'
import { thingsRegistrationPolicyArn } from '../../../../src/rehearsal/iot/provisioning/role-permission.ts'
import { createRegistry, type Registry } from '../../../../src/rehearsal/iot/registry/registry.ts'
import {
  defaultStandInSettings,
  type StandInSettings
} from '../../../../src/rehearsal/iot/stand-in-settings.ts'
import type { MadeCertificate } from '../certificate-making.ts'

/** What both engines are told, each in its own words. */
export interface Switches {
  readonly functions: boolean
  readonly serialNumberSource: 'subject' | 'certificate'
  /** Whether values of the subject are taken to arrive as they are. */
  readonly plainCharacters: boolean
  readonly defaults: boolean
}

export const plainSwitches: Switches = {
  functions: false,
  serialNumberSource: 'certificate',
  plainCharacters: false,
  defaults: true
}

/** What is made of a device, by the names of the template. */
export interface Made {
  readonly thingName: string | null
  readonly attributes: Readonly<Record<string, string | null>>
  readonly thingTypeName: string | null
  readonly thingGroups: readonly string[]
  readonly billingGroup: string | null
  /** Sorted. */
  readonly policies: readonly string[]
}

/** `made` where the engine accepts; else why not. */
export type Verdict =
  | { readonly made: Made; readonly refusals: readonly [] }
  | { readonly made: undefined; readonly refusals: readonly string[] }

const refused = (...refusals: string[]): Verdict => ({ made: undefined, refusals })

/** A device certificate, read once by each engine. */
export interface Device {
  readonly made: MadeCertificate
  /** Undefined where the subject or the serial number is refused as such. */
  readonly facts: CertificateFacts | undefined
}

export function deviceOf(made: MadeCertificate): Device {
  return { made, facts: readFacts(made.certificatePem) }
}

function readFacts(certificatePem: string): CertificateFacts | undefined {
  const der = decodeCertificate(Buffer.from(certificatePem))
  try {
    const { subject, subjectName, serialNumber } = parseCertificate(der)
    throwSubjectViolations(subjectName.violations)
    return { subject, certificateSerialNumber: serialNumber, certificateId: certificateIdHex(der) }
  } catch {
    return undefined
  }
}

/** The check of the template, and the prediction for the device. Refusals are ids of findings. */
export function judgeByCheck(templateBody: string, device: Device, switches: Switches): Verdict {
  const options: TemplateOptions = {
    functions: switches.functions ? 'accept' : 'refuse',
    serialNumberSource: switches.serialNumberSource,
    subjectCharacters: switches.plainCharacters ? 'accept' : 'refuse',
    defaultsFillAbsentFields: switches.defaults,
    generatedPolicyName: 'sha1-of-document'
  }
  const examination = examineTemplate(readTemplateSource({ templateBody, roleArn }), options)
  const errors = examination.findings.filter(isError)
  if (errors.length > 0) return refused(...errors.map(({ id }) => id))
  if (device.facts === undefined) return refused('certificate')
  const evaluation = evaluateTemplate(compileTemplate(examination, options), device.facts)
  if (!evaluation.ok) return refused(...evaluation.findings.map(({ id }) => id))
  const { thing, policies } = evaluation.prediction
  return {
    refusals: [],
    made: {
      thingName: thing?.thingName ?? null,
      attributes: thing?.attributes ?? {},
      thingTypeName: thing?.thingTypeName ?? null,
      thingGroups: thing?.thingGroups ?? [],
      billingGroup: thing?.billingGroup ?? null,
      policies: policies
        .map(policy => ('policyName' in policy ? policy.policyName : (policy.predictedName ?? '')))
        .toSorted()
    }
  }
}

/** An account in which everything exists that a template names. */
export interface Account {
  /** Provisions and undoes it. Throws an Error where a refusal leaves something behind. */
  judge(templateBody: string, device: Device, switches: Switches): Verdict
}

const accountId = '111122223333'
const roleArn = `arn:aws:iam::${accountId}:role/JITPRole`
const trustInIot = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Principal: { Service: 'iot.amazonaws.com' }, Action: 'sts:AssumeRole' }
})

const named = { description: '', attributes: {} }

export async function openAccount(): Promise<Account> {
  const registry = await createRegistry({ accountId, region: 'eu-west-1', clock: Date.now })
  registry.putRole({
    roleArn,
    assumeRolePolicyDocument: trustInIot,
    policies: {},
    attachedPolicyArns: [thingsRegistrationPolicyArn]
  })
  const known = new Set<string>()
  const obliging: Registry = {
    ...registry,
    describeThingType(thingTypeName) {
      registry.createThingType({ thingTypeName, description: '', searchableAttributes: [] })
      return registry.describeThingType(thingTypeName)
    },
    describeThingGroup(thingGroupName) {
      registry.createThingGroup({ ...named, thingGroupName, parentGroupName: null })
      return registry.describeThingGroup(thingGroupName)
    },
    describeBillingGroup(billingGroupName) {
      registry.createBillingGroup({ billingGroupName, description: '' })
      return registry.describeBillingGroup(billingGroupName)
    },
    getPolicy(policyName) {
      if (registry.findPolicy(policyName) === undefined) registry.createPolicy(policyName, anyDocument)
      return registry.getPolicy(policyName)
    }
  }
  return {
    judge(templateBody, { made: { certificatePem } }, switches) {
      const settings = settingsOf(switches)
      const { values: parameters, withheld } = parametersOf(certificatePem, settings)
      const certificateId = parameters.get('AWS::IoT::Certificate::Id') ?? ''
      if (!known.has(certificateId))
        registry.registerCertificateWithoutCa({ certificatePem, status: 'INACTIVE' })
      known.add(certificateId)
      try {
        registerThing(obliging, settings, { templateBody, parameters, withheld, roleArn })
      } catch (error) {
        if (!(error instanceof IotRefusal)) throw error
        assertNothingMade(registry)
        return refused(error.message)
      }
      const made = madeOf(registry, certificateId)
      undo(registry, certificateId)
      return { made, refusals: [] }
    }
  }
}

function assertNothingMade(registry: Registry): void {
  const isAttached = registry.listPolicies().some(({ targets }) => targets.length > 0)
  if (registry.listThings().length > 0 || isAttached) throw new Error('a refusal left something behind')
}

function undo(registry: Registry, certificateId: string): void {
  const arn = registry.certificateArn(certificateId)
  for (const { thingName } of registry.listThings()) {
    registry.detachThingPrincipal(thingName, arn)
    registry.deleteThing(thingName)
  }
  for (const { policyName } of registry.listPolicies()) {
    registry.detachPolicy(policyName, arn)
    registry.deletePolicy(policyName)
  }
  registry.setCertificateStatus(certificateId, 'PENDING_ACTIVATION')
}

const anyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }]
})

function settingsOf(switches: Switches): StandInSettings {
  return {
    ...defaultStandInSettings,
    intrinsicFunctions: switches.functions ? 'evaluate' : 'refuse',
    serialNumberSource: switches.serialNumberSource,
    subjectCharacters: switches.plainCharacters ? 'keep' : 'escape'
  }
}

const readParameters = new Map<string, ReturnType<typeof readCertificateParameters>>()

/** Reading a certificate takes longer than all the rest. */
function parametersOf(certificatePem: string, settings: StandInSettings) {
  const key = [certificatePem, settings.serialNumberSource, settings.subjectCharacters].join()
  const known = readParameters.get(key)
  if (known !== undefined) return known
  const read = readCertificateParameters(certificatePem, settings)
  readParameters.set(key, read)
  return read
}

function madeOf(registry: Registry, certificateId: string): Made {
  const arn = registry.certificateArn(certificateId)
  const [principal] = registry.listPrincipalThings(arn)
  const thing = principal === undefined ? undefined : registry.describeThing(principal.thingName)
  return {
    thingName: thing?.thingName ?? null,
    attributes: thing?.attributes ?? {},
    thingTypeName: thing?.thingTypeName ?? null,
    thingGroups: thing?.thingGroups ?? [],
    billingGroup: thing?.billingGroupName ?? null,
    policies: registry
      .listAttachedPolicies(arn)
      .map(({ policyName }) => policyName)
      .toSorted()
  }
}
