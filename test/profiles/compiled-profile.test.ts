import { describe, expect, it } from 'vitest'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { compileProfile } from '../../src/profiles/compiled-profile.ts'
import type { ProfileDocument } from '../../src/profiles/document.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'

function mistakes(document: ProfileDocument): readonly string[] {
  try {
    compileProfile(document)
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(MintlineError)
    expect((error as MintlineError).code).toBe('profile_invalid')
    return (error as MintlineError).violations.map(({ pointer }) => pointer)
  }
}

const { template, ...withoutTemplate } = starterProfile
const roleArn = 'arn:aws:iam::123456789012:role/jitp'
const body = JSON.stringify(template)

const declaring = (...names: string[]) => ({
  ...template,
  Parameters: Object.fromEntries(
    [...names, 'Id'].map(name => [`AWS::IoT::Certificate::${name}`, { Type: 'String' }])
  )
})

describe('a profile', () => {
  it('of the starter set is in order, and says that its thing is named by the certificate', () => {
    const { templateFields, warnings } = compileProfile(starterProfile)
    expect([...templateFields]).toEqual(['Country'])
    expect(warnings.some(({ pointer }) => pointer.startsWith('/template/Resources/thing'))).toBe(true)
  })

  it('takes the registration config as the AWS CLI does', () => {
    const registrationConfig = { templateBody: body, roleArn }
    expect(mistakes({ ...withoutTemplate, registrationConfig })).toEqual([])
  })

  it.each<[string, ProfileDocument, readonly string[]]>([
    ['neither template nor registration config', withoutTemplate, ['']],
    ['both', { ...starterProfile, registrationConfig: { templateBody: body, roleArn } }, ['']],
    [
      'a pattern that RE2 does not take',
      {
        ...starterProfile,
        subject: { ...starterProfile.subject, CommonName: { rule: 'required', pattern: '(?=x)' } }
      },
      ['/subject/CommonName/pattern']
    ],
    [
      'a value that no certificate can carry',
      {
        ...starterProfile,
        subject: { ...starterProfile.subject, Country: { rule: 'required', values: ['US', 'USA'] } }
      },
      ['/subject/Country/values/1']
    ],
    [
      'a fixed value that no certificate can carry',
      {
        ...starterProfile,
        subject: { ...starterProfile.subject, StateName: { rule: 'fixed', value: 'x'.repeat(129) } }
      },
      ['/subject/StateName/value']
    ],
    [
      'a declared field that is forbidden',
      { ...starterProfile, subject: { ...starterProfile.subject, Country: { rule: 'forbidden' } } },
      ['/subject/Country']
    ],
    [
      'an identity that may be absent',
      { ...starterProfile, deviceIdentity: ['CommonName', 'SerialNumber'] },
      ['/deviceIdentity/1']
    ],
    [
      'key sizes the wrong way round',
      { ...starterProfile, keys: { rsa: { minimumBits: 4096, maximumBits: 2048 } } },
      ['/keys/rsa/maximumBits']
    ],
    [
      'a key usage that the keys cannot have',
      { ...starterProfile, keyUsage: ['digitalSignature', 'keyEncipherment'] },
      ['/keyUsage/1']
    ],
    [
      'more days at least than at most',
      {
        ...starterProfile,
        validity: { days: 365, whenIssuerExpiresFirst: 'shorten', minimumDays: 366 }
      },
      ['/validity/minimumDays']
    ],
    [
      'days at least where nothing is shortened',
      {
        ...starterProfile,
        validity: { days: 365, whenIssuerExpiresFirst: 'refuse', minimumDays: 180 }
      },
      ['/validity/minimumDays']
    ],
    [
      'an attribute to drop that nobody knows',
      { ...starterProfile, dropAttributes: ['emailAddress', 'E-Mail', '1.2.3', '2.5.4.3', '1.2.03'] },
      ['/dropAttributes/1', '/dropAttributes/3', '/dropAttributes/4']
    ],
    [
      'a field that is dropped and asked for',
      {
        ...starterProfile,
        subject: { CommonName: { rule: 'required' }, Locality: { rule: 'forbidden' } },
        dropAttributes: ['CommonName', 'Locality', 'Organization']
      },
      ['/dropAttributes/0', '/dropAttributes/1']
    ],
    [
      'a field that is dropped and declared by the template',
      { ...starterProfile, subject: { CommonName: { rule: 'required' } }, dropAttributes: ['Country'] },
      ['/dropAttributes/0']
    ],
    [
      'a listed value that looks like another, where those are refused',
      {
        ...starterProfile,
        subject: {
          ...starterProfile.subject,
          CommonName: { rule: 'required', values: ['a', 'S\u039d'] },
          Locality: { rule: 'fixed', value: '\uff21' }
        },
        lookalikes: 'refuse'
      },
      ['/subject/CommonName/values/1']
    ]
  ])('with %s is refused', (_, document, pointers) => {
    expect(mistakes(document)).toEqual(pointers)
  })

  it.each([
    'CommonName',
    'Organization',
    'OrganizationalUnit',
    'DistinguishedNameQualifier',
    'StateName'
  ] as const)('needs %s in every subject when its template declares it', field => {
    const { templateFields } = compileProfile({ ...starterProfile, template: declaring('Country', field) })
    expect([...templateFields]).toContain(field)
  })

  it('sets the switches for what AWS leaves open', () => {
    const joined = structuredClone(template) as {
      Resources: { thing: { Properties: { ThingName: object } } }
    }
    joined.Resources.thing.Properties.ThingName = {
      'Fn::Join': ['-', ['sn', { Ref: 'AWS::IoT::Certificate::Id' }]]
    }
    const document = { ...starterProfile, template: joined }
    expect(mistakes(document)).toEqual(['/template/Resources/thing/Properties/ThingName/Fn::Join'])
    expect(mistakes({ ...document, jitp: { functions: 'accept' } })).toEqual([])
  })

  it('whose template uses SerialNumber must say where AWS takes it from', () => {
    const declared = { ...starterProfile, template: declaring('Country', 'SerialNumber') }
    expect(mistakes(declared)).toEqual([])
    expect([...compileProfile(declared).templateFields]).toContain('SerialNumber')
    const used = structuredClone(declared.template) as typeof declared.template & {
      Resources: { thing: { Properties: { AttributePayload: Record<string, unknown> } } }
    }
    used.Resources.thing.Properties.AttributePayload.sn = { Ref: 'AWS::IoT::Certificate::SerialNumber' }
    const document = { ...starterProfile, template: used }
    expect(mistakes(document)).toEqual(['/template/Parameters/AWS::IoT::Certificate::SerialNumber'])
    expect([...compileProfile({ ...document, serialNumberSource: 'subject' }).templateFields]).toContain(
      'SerialNumber'
    )
    expect([
      ...compileProfile({ ...document, serialNumberSource: 'certificate' }).templateFields
    ]).not.toContain('SerialNumber')
  })

  it.each<[string, string]>([
    ['typographic quotes', body.replace('"', '“')],
    ['one escaping too many', JSON.stringify(body)],
    ['a cut body', body.slice(0, -5)]
  ])('with %s in the body is refused, with the position', (_, templateBody) => {
    const document = { ...withoutTemplate, registrationConfig: { templateBody, roleArn } }
    const pointers = mistakes(document)
    expect(pointers.length).toBeGreaterThan(0)
    for (const pointer of pointers) expect(pointer).toMatch(/^\/registrationConfig(\/templateBody)?$/)
  })

  const anonymous = { ...starterProfile }
  delete anonymous.deviceIdentity
  const bare = {
    ...anonymous,
    template: {
      Parameters: { 'AWS::IoT::Certificate::Id': { Type: 'String' } },
      Resources: {
        certificate: {
          Type: 'AWS::IoT::Certificate',
          Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' }
        },
        policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'sensor' } }
      }
    }
  }

  it.each<[string, ProfileDocument, readonly string[]]>([
    ['no rules at all', { ...bare, subject: {} }, ['/subject']],
    ['nothing that must be there', { ...bare, subject: { CommonName: { rule: 'allowed' } } }, ['/subject']],
    ['a required field', { ...bare, subject: { CommonName: { rule: 'required' } } }, []],
    ['a fixed field', { ...bare, subject: { CommonName: { rule: 'fixed', value: 'x' } } }, []],
    ['a field that the template declares', { ...anonymous, subject: {} }, []],
    [
      'a fixed value that looks like another',
      { ...bare, subject: { CommonName: { rule: 'fixed', value: 'S\u039d' } } },
      ['/subject/CommonName/value']
    ],
    [
      'a listed value that looks like another',
      { ...bare, subject: { CommonName: { rule: 'required', values: ['S\u039d', 'SN'] } } },
      ['/subject/CommonName/values/0']
    ],
    [
      'an identity that may hold anything',
      { ...bare, subject: { CommonName: { rule: 'required' } }, deviceIdentity: ['CommonName'] },
      ['/lookalikes']
    ],
    [
      'an identity in a pattern',
      {
        ...bare,
        subject: { CommonName: { rule: 'required', pattern: 'SN-[0-9]+' } },
        deviceIdentity: ['CommonName']
      },
      []
    ],
    [
      'an identity that may hold anything but look-alikes',
      {
        ...bare,
        subject: { CommonName: { rule: 'required' } },
        deviceIdentity: ['CommonName'],
        lookalikes: 'refuse'
      },
      []
    ]
  ])('with %s has its warnings', (_, document, pointers) => {
    const own = compileProfile(document).warnings.filter(({ pointer }) => !pointer.startsWith('/template'))
    expect(own.map(({ pointer }) => pointer)).toEqual(pointers)
  })
})
