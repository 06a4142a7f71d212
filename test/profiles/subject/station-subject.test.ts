import { describe, expect, it } from 'vitest'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { compileProfile } from '../../../src/profiles/compiled-profile.ts'
import type { ProfileDocument } from '../../../src/profiles/document.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'

/** The template declares Country. */
function pointersOf(change: Partial<ProfileDocument>): readonly string[] {
  try {
    compileProfile({ ...starterProfile, ...change })
    return []
  } catch (error) {
    if (!(error instanceof MintlineError)) throw error
    expect(error.code).toBe('profile_invalid')
    return error.violations.map(({ pointer }) => pointer)
  }
}

describe('subjectFromStation', () => {
  it.each<[string, Partial<ProfileDocument>, readonly string[]]>([
    ['names all that must be there', { subjectFromStation: ['CommonName', 'Country'] }, []],
    [
      'leaves out what is fixed',
      {
        subject: { ...starterProfile.subject, Country: { rule: 'fixed', value: 'DE' } },
        subjectFromStation: ['CommonName']
      },
      []
    ],
    [
      'names a field that the template declares, without a rule',
      { subject: { CommonName: { rule: 'required' } }, subjectFromStation: ['CommonName', 'Country'] },
      []
    ],
    ['leaves out what is required', { subjectFromStation: ['Country'] }, ['/subjectFromStation']],
    [
      'leaves out what the template declares',
      { subjectFromStation: ['CommonName'] },
      ['/subjectFromStation']
    ],
    [
      'names a field that is fixed',
      {
        subject: { ...starterProfile.subject, Country: { rule: 'fixed', value: 'DE' } },
        subjectFromStation: ['CommonName', 'Country']
      },
      ['/subjectFromStation/1']
    ],
    [
      'names a field that is forbidden',
      {
        subject: { ...starterProfile.subject, Locality: { rule: 'forbidden' } },
        subjectFromStation: ['Locality', 'CommonName', 'Country']
      },
      ['/subjectFromStation/0']
    ],
    [
      'names a field without a rule',
      { subjectFromStation: ['CommonName', 'Locality', 'Country'] },
      ['/subjectFromStation/1']
    ],
    [
      'names a field that is dropped',
      {
        subject: { CommonName: { rule: 'required' } },
        dropAttributes: ['Locality'],
        subjectFromStation: ['CommonName', 'Country', 'Locality']
      },
      ['/subjectFromStation/2']
    ]
  ])('%s', (_name, change, pointers) => {
    expect(pointersOf(change)).toEqual(pointers)
  })
})
