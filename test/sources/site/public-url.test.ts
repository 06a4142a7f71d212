import { describe, expect, it } from 'vitest'
import { maximumPublicUrlLength, publicUrlOf } from '../../../src/sources/site/public-url.ts'

describe('the public address', () => {
  it.each([
    ['http://pki.example.com', 'http://pki.example.com'],
    ['http://pki.example.com/', 'http://pki.example.com'],
    ['https://PKI.example.com:8443/mintline//', 'https://pki.example.com:8443/mintline'],
    ['http://[2001:db8::1]:80/a b', 'http://[2001:db8::1]/a%20b'],
    ['http://bücher.example', 'http://xn--bcher-kva.example']
  ])('%s is %s', (text, expected) => {
    expect(publicUrlOf(text)).toBe(expected)
  })

  it.each([
    'pki.example.com',
    '/v1',
    'ftp://pki.example.com',
    'ldap://pki.example.com/cn=ca',
    'http://user@pki.example.com',
    'http://:secret@pki.example.com',
    'http://pki.example.com?',
    'http://pki.example.com/?a=b',
    'http://pki.example.com/#',
    `http://pki.example.com/${'a'.repeat(maximumPublicUrlLength)}`
  ])('%s is none', text => {
    expect(publicUrlOf(text)).toBeUndefined()
  })
})
