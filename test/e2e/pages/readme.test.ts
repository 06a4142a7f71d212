import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../../support/needs/needs.ts'
import { openPage } from './page.ts'
import { type Following, startFollowing, type Terminal } from './terminal.ts'

const page = openPage('README.md')

let following: Following
let terminal: Terminal

describe('the commands of README.md', needs('openssl', 'curl', 'bash'), () => {
  beforeAll(async () => {
    following = await startFollowing()
    terminal = following.terminal
    await terminal.paste('cd ~')
  })

  afterAll(() => following.stop())

  it('have a device certified', async () => {
    const [start, certify] = page.commands('Try it')
    // It runs already.
    expect(start).toBe('cd mintline\nnpm ci && npm start\n')
    await terminal.paste(certify!)
    const chain = await terminal.paste('cat deviceCertAndCACert.crt')
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  })

  it('check a template', async () => {
    const [block] = page.commands('Check a provisioning template')
    expect(await terminal.paste(block!)).toContain('device-0001')
  })

  it('make an offline root and have a device certified below it', async () => {
    const [block] = page.commands('Root offline, issuing CA online')
    await terminal.paste('cd ~')
    expect(await terminal.paste(block!)).toContain('acme-sensor.crt: OK')
  })

  it('are all tried, here or in a test of their own', () => {
    expect(page.untried()).toEqual(['Rehearse the first power-up', 'Test it'])
  })
})
