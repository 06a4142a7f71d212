import { describe, expect, it } from 'vitest'
import { record } from './port.ts'
import { faultsOf } from './shared-schema.ts'

describe('the published schemas', () => {
  it.each([
    ['Problem', { code: 'unheard_of' }],
    ['Issuance', { id: record.id, more: 1 }],
    ['IssuanceEntry', { outcome: 'issued' }],
    ['IssuancePage', { items: [{ outcome: 'lost' }] }],
    ['Profile', { document: {} }],
    ['PostedProfile', { warnings: [{}] }],
    ['ProfileList', { items: [{}] }],
    ['NewToken', { role: 'root' }],
    ['TokenList', { items: [{}] }]
  ])('of %s do not take everything', async (name, value) => {
    expect(await faultsOf(name, value)).not.toEqual([])
  })
})
