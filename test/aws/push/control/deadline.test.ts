import { expect, it } from 'vitest'
import { createCertificateControls } from '../../../../src/aws/push/control/certificate-control.ts'
import type { Pace } from '../../../../src/aws/push/control/pace.ts'

const place = { accountAlias: '', region: 'eu-central-1' }
const tooLong = {
  code: 'aws_unavailable',
  detail: expect.stringMatching(/longer than 0\.05 seconds.*iot:UpdateCertificate/) as string
}

function open(take: Pace['take']) {
  const stopping = new AbortController()
  const pace = { take, slowDown: () => undefined }
  const controls = createCertificateControls(place, { pace, stopping: stopping.signal })
  return { controls, stopping }
}

const untilAborted: Pace['take'] = (_, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })

it('a wait for a turn ends with the time for the certificate', async () => {
  const { controls } = open(untilAborted)
  await expect(controls.within(50).update('ab'.repeat(32), 'REVOKED')).rejects.toMatchObject(tooLong)
  controls.destroy()
})

it('nothing is sent where the process stood still until the time was over', async () => {
  const { controls } = open(async () => {
    // Timers come too late.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 80)
  })
  await expect(controls.within(50).update('ab'.repeat(32), 'REVOKED')).rejects.toMatchObject(tooLong)
  controls.destroy()
})

it('the stop of the service is told as that', async () => {
  const { controls, stopping } = open(untilAborted)
  const update = controls.within(60_000).update('ab'.repeat(32), 'REVOKED')
  stopping.abort(new Error('stopping'))
  await expect(update).rejects.toThrow('stopping')
  controls.destroy()
})
