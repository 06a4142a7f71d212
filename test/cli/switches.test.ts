import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/cli/command.ts'
import { readSwitches, switchFlags, switchUsage } from '../../src/cli/template/switches.ts'
import { findingCatalogue } from '../../src/jitp/findings/finding.ts'
import { ProfileDocument } from '../../src/profiles/document.ts'

const { serialNumberSource, jitp } = ProfileDocument.properties
const members = { serialNumberSource, ...jitp.properties }
const flagOf = (member: string) => member.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

describe('the switches', () => {
  it('are the same on the command line and in a profile', () => {
    expect(Object.keys(switchFlags).sort()).toEqual(Object.keys(members).map(flagOf).sort())
    for (const flag of Object.keys(switchFlags)) expect(switchUsage).toContain(`--${flag}`)
  })

  it('are named by the findings that depend on them, both ways', () => {
    const remedies = Object.values(findingCatalogue).map(({ remedy }) => remedy as string)
    for (const member of Object.keys(members)) {
      // Without it a name is not predicted, and nothing is found.
      if (member === 'generatedPolicyName') continue
      const own = remedies.filter(remedy => remedy.includes(`--${flagOf(member)}`))
      expect(own.length, member).toBeGreaterThan(0)
      for (const remedy of own) expect(remedy).toMatch(new RegExp(`\`(?:jitp\\.)?${member}\\b`))
    }
    for (const remedy of remedies)
      if (/`jitp\.|`serialNumberSource/.test(remedy)) expect(remedy).toContain('`--')
  })

  it('are read from their flags', () => {
    expect(readSwitches({})).toEqual({})
    expect(
      readSwitches({
        'serial-number-source': 'subject',
        functions: 'accept',
        'defaults-fill-absent-fields': true,
        'subject-characters': 'accept',
        'generated-policy-name': 'sha1-of-document',
        'undeclared-certificate-id': 'accept'
      })
    ).toEqual({
      serialNumberSource: 'subject',
      functions: 'accept',
      defaultsFillAbsentFields: true,
      subjectCharacters: 'accept',
      generatedPolicyName: 'sha1-of-document',
      undeclaredCertificateId: 'accept'
    })
  })

  it.each(Object.entries(switchFlags).flatMap(([flag, { type }]) => (type === 'string' ? [flag] : [])))(
    '--%s takes no other value',
    flag => {
      expect(() => readSwitches({ [flag]: 'perhaps' })).toThrow(UsageError)
    }
  )
})
