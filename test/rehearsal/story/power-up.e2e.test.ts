import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { IoTClient } from '@aws-sdk/client-iot'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createIotStandIn } from '../../../src/rehearsal/iot/iot-stand-in.ts'
import { powerUp } from '../../../src/rehearsal/story/power-up.ts'
import { createSteps, type StepReport, StoryFailure } from '../../../src/rehearsal/story/steps.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { factoryPolicy, registerCa, workingTemplate } from '../iot/gateway/device-rehearsal.ts'
import { createCa, issueDevice } from '../iot/openssl-pki.ts'

interface Outcome {
  readonly failure: unknown
  readonly steps: readonly StepReport[]
  readonly milliseconds: number
}

/** Powers a device up whose CA names a role that is there, or is not. */
async function powerUpWith(role: 'present' | 'absent', hasKey: boolean): Promise<Outcome> {
  const folder = await createTemporaryDirectory()
  onTestFinished(folder.remove)
  const standIn = await createIotStandIn({ region: 'eu-west-1', provisioningDelayMs: 50 })
  onTestFinished(() => standIn.stop())
  const { registry, roleArn, controlUrl: endpoint } = standIn
  registry.createPolicy('factory-device', factoryPolicy)
  const ca = createCa(folder.path, '/O=Example/CN=Factory CA')
  registerCa(registry, ca, { templateBody: JSON.stringify(workingTemplate()), roleArn })
  if (role === 'absent') registry.removeRole(roleArn)
  const device = issueDevice(ca, '/CN=unit-1', { directory: folder.path })
  const credentials = { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' }
  const iot = new IoTClient({ region: 'eu-west-1', endpoint, credentials })
  onTestFinished(() => iot.destroy())
  const { certificatePem, privateKeyPem } = device
  const { raw } = new X509Certificate(certificatePem)
  const certificateId = createHash('sha256').update(raw).digest('hex')
  const thing = {
    thingName: 'unit-1',
    attributes: { line: 'A7' },
    thingTypeName: null,
    thingGroups: [],
    billingGroup: null
  }
  const { signal } = new AbortController()
  const steps = createSteps(() => undefined, signal)
  const start = performance.now()
  const failure = await powerUp({
    standIn,
    steps,
    issuance: { certificateId, certificatePem, chainPem: certificatePem },
    prediction: { thing, certificate: { status: 'ACTIVE' }, policies: [{ policyName: 'factory-device' }] },
    privateKey: hasKey ? createPrivateKey(privateKeyPem) : undefined,
    iot,
    signal
  }).catch((error: unknown) => error)
  return { failure, steps: steps.reports, milliseconds: performance.now() - start }
}

describe('the power-up of the story', needs('openssl'), () => {
  it.each([true, false])(
    'succeeds where AWS IoT provisions the device, its key at hand: %s',
    async hasKey => {
      const { failure, steps } = await powerUpWith('present', hasKey)
      expect(failure).toBeUndefined()
      expect(steps.filter(({ outcome }) => outcome !== 'done')).toEqual([])
    }
  )

  it.each([true, false])('fails soon, and says why, where it does not, its key at hand: %s', async hasKey => {
    const { failure, steps, milliseconds } = await powerUpWith('absent', hasKey)
    expect(failure).toBeInstanceOf(StoryFailure)
    expect(steps.at(-1)).toMatchObject({
      outcome: 'failed',
      detail: expect.stringContaining('UnauthorizedException') as string
    })
    expect(milliseconds).toBeLessThan(8000)
  })
})
