import { describe, expect, it } from 'vitest'
import { parseMesFile } from '../../src/mes/mes-file.ts'

const entry = { url: 'https://mes.example/ask', secretFile: '/run/secrets/mes' }
const pointersOf = (value: unknown) =>
  parseMesFile(typeof value === 'string' ? value : JSON.stringify(value)).violations.map(
    ({ pointer }) => pointer
  )

describe('the file of the systems', () => {
  it.each<[string, unknown]>([
    ['one system', { plant: entry }],
    ['all that there is to say', { plant: { ...entry, timeoutMs: 10_000, caFile: '/ca.pem' } }],
    ['HTTP on this machine', { plant: { ...entry, url: 'http://127.0.0.1:9000/ask' } }],
    ['none', {}]
  ])('may hold %s', (_name, value) => {
    expect(pointersOf(value)).toEqual([])
  })

  it.each<[string, unknown, string]>([
    ['nothing', '', ''],
    ['no JSON', 'plant:', ''],
    ['a list', [entry], ''],
    ['a name in capitals', { Plant: entry }, '/Plant'],
    ['a prototype', '{"__proto__": {}}', '/__proto__'],
    ['a system without a secret', { plant: { url: entry.url } }, '/plant'],
    ['a member that there is not', { plant: { ...entry, secret: 'x' } }, '/plant'],
    ['a deadline beyond ten seconds', { plant: { ...entry, timeoutMs: 10_001 } }, '/plant'],
    ['a system that is null', { plant: null }, '/plant'],
    ['HTTP to elsewhere', { plant: { ...entry, url: 'http://mes.example/ask' } }, '/plant/url'],
    ['a password in the url', { plant: { ...entry, url: 'https://a:b@mes.example' } }, '/plant/url'],
    ['another scheme', { plant: { ...entry, url: 'file:///etc/passwd' } }, '/plant/url'],
    ['17 systems', Object.fromEntries([...Array(17).keys()].map(n => [`s${n}`, entry])), '']
  ])('cannot hold %s', (_name, value, place) => {
    expect(pointersOf(value)).toContain(`MINTLINE_MES_FILE${place}`)
  })

  it('never has the url repeated', () => {
    const { violations } = parseMesFile(JSON.stringify({ plant: { ...entry, url: 'https://a:hunter2@mes' } }))
    expect(JSON.stringify(violations)).not.toContain('hunter2')
  })
})
