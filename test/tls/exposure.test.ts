import { describe, expect, it } from 'vitest'
import { findExposure } from '../../src/tls/exposure.ts'

const plain = { tlsCertFile: undefined, insecureHttp: false, trustedProxies: [] }

describe('listening in plain HTTP', () => {
  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost', '::ffff:127.0.0.1'])(
    'is for this machine: %s',
    async host => {
      expect(await findExposure({ ...plain, host })).toBeUndefined()
    }
  )

  it.each(['0.0.0.0', '::', '192.168.4.7', '10.0.0.1', '2001:db8::1', '::ffff:10.0.0.1', 'fe80::1'])(
    'is refused beyond it: %s',
    async host => {
      expect(await findExposure({ ...plain, host })).toMatchObject({ pointer: 'MINTLINE_HOST' })
    }
  )

  it.each([
    ['TLS', { tlsCertFile: '/x' }],
    ['the word of the operator', { insecureHttp: true }],
    ['a proxy in front', { trustedProxies: ['10.0.0.7'] }]
  ])('is not what is done with %s', async (_what, exposure) => {
    expect(await findExposure({ ...plain, ...exposure, host: '0.0.0.0' })).toBeUndefined()
  })
})
