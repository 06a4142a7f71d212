import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { createCompromiseMaker } from '../../../src/authorities/life-cycle/compromise.ts'
import { act } from '../../support/authority-administration.ts'
import { needs } from '../../support/needs/needs.ts'

function makeAuthority(keyUsage: string, days: number): Uint8Array {
  const key =
    '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=Acme -outform DER'
  const extensions = [
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    `keyUsage=critical,${keyUsage}`
  ]
  return execFileSync('openssl', ['req', '-x509', ...key.split(' '), '-days', String(days), ...extensions], {
    stdio: ['ignore', 'pipe', 'ignore']
  })
}

it('a last CRL is waited for only where the certificate lets the key sign one', needs('openssl'), () => {
  let now = new Date()
  const compromiseOf = createCompromiseMaker({ clock: () => now, randomBytes: size => randomBytes(size) })
  const lastCrlOf = (certificateDer: Uint8Array) =>
    compromiseOf({ id: '', name: 'acme-g1', state: 'retired', certificateDer }, act).compromise.lastCrl
  const signs = makeAuthority('keyCertSign,cRLSign', 2)
  expect([lastCrlOf(signs), lastCrlOf(makeAuthority('keyCertSign', 2))]).toEqual([true, false])
  now = new Date(now.getTime() + 3 * 86_400_000)
  expect(lastCrlOf(signs)).toBe(false)
})
