import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProfileView } from '../../../src/http/api/profiles/schemas.ts'
import { completeProfile } from '../../../src/profiles/request.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { bodyOf } from '../../jitp/corpus/parts.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { generationBody } from '../generations.ts'
import { type HttpService, openService } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'

const meterBody = JSON.stringify(bodyOf(), null, 2)
const document = { ...starterProfile, name: 'pumps' }
const nextDocument = { ...document, description: 'The next version.' }

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const get = (url: string) => service.as('admin').get(url)
const post = (payload: object) => service.as('admin').post('/v1/profiles', payload)
const versionsOf = async (name: string) =>
  (await get(`/v1/profiles/${name}/versions`)).json<{ items: readonly ProfileView[] }>().items

const view = (version: number, posted: object) => ({
  id: expect.any(String) as string,
  name: 'pumps',
  version,
  document: posted,
  templateSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
  createdBy: 'admin/starter-admin'
})

describe('profiles', () => {
  it('are made from a document, version by version, and answered with warnings and their place', async () => {
    for (const [version, posted] of [
      [1, document],
      [2, nextDocument]
    ] as const) {
      const answer = await post(posted)
      expect(answer.statusCode).toBe(201)
      expect(answer.headers['location']).toBe(`/v1/profiles/pumps/versions/${version}`)
      const { warnings, ...profile } = answer.json<ProfileView & { warnings: { pointer: string }[] }>()
      expect(profile).toEqual(view(version, posted))
      expect(warnings.map(({ pointer }) => pointer)).toContain(
        '/template/Resources/thing/Properties/ThingName'
      )
      expect(await faultsOf('PostedProfile', answer.json())).toEqual([])
    }
  })

  it('are not made anew from the document that is the newest already', async () => {
    const answer = await post(nextDocument)
    expect([answer.statusCode, answer.json<ProfileView>().version]).toEqual([200, 2])
    expect(await versionsOf('pumps')).toHaveLength(2)
  })

  it('say on record who made them, in the request that the answer names', async () => {
    const answer = await post({ ...document, name: 'valves' })
    const requestId = answer.headers['x-request-id']
    expect(await service.audited('profile.post', requestId)).toMatchObject([
      { actor: 'admin/starter-admin', subject: 'profile/valves/1', before: null, after: { version: 1 } }
    ])
  })

  it('say on record what the document before was', async () => {
    const next = await post({ ...nextDocument, name: 'valves' })
    const [event] = await service.audited('profile.post', next.headers['x-request-id'])
    const { items } = (await get('/v1/profiles/valves/versions')).json<{ items: ProfileView[] }>()
    const told = items.map(({ version, document }) => ({ version, ...document }))
    expect([event!.after, event!.before]).toEqual(told)
  })

  it.each([
    ['/v1/profiles/pumps', view(2, nextDocument), 'Profile'],
    ['/v1/profiles/pumps/versions', { items: [view(2, nextDocument), view(1, document)] }, 'ProfileList'],
    ['/v1/profiles/pumps/versions/1', view(1, document), 'Profile']
  ])('are read at %s', async (url, expected, schema) => {
    const answer = await get(url)
    expect(answer.json()).toEqual(expected)
    expect(await faultsOf(schema, answer.json())).toEqual([])
  })

  it('are listed in their newest versions', async () => {
    const answer = await get('/v1/profiles')
    const { items } = answer.json<{ items: ProfileView[] }>()
    expect(items.map(({ name, version }) => `${name} ${version}`).sort()).toEqual([
      'pumps 2',
      'starter 1',
      'valves 2'
    ])
    expect(await faultsOf('ProfileList', answer.json())).toEqual([])
  })

  it.each([
    ['/v1/profiles/other', 404, 'profile_not_found'],
    ['/v1/profiles/other/versions', 404, 'profile_not_found'],
    ['/v1/profiles/pumps/versions/4', 404, 'profile_not_found'],
    ['/v1/profiles/starter/versions/0', 400, 'request_invalid'],
    ['/v1/profiles/starter/versions/two', 400, 'request_invalid'],
    ['/v1/profiles/starter/versions/2.0', 400, 'request_invalid'],
    ['/v1/profiles/Starter', 400, 'request_invalid']
  ])('are refused at %s', async (url, status, code) => {
    const answer = await get(url)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([status, code])
  })

  it('are reverted to the version before the newest, or to the one that is named', async () => {
    for (const description of ['one', 'two', 'three'])
      await post({ ...document, name: 'levers', description })
    const revert = (payload: object) => service.as('admin').post('/v1/profiles/levers/revert', payload)
    const before = await revert({ reason: 'two was better' })
    expect([before.statusCode, before.headers['location']]).toEqual([201, '/v1/profiles/levers/versions/4'])
    expect(before.json<ProfileView>().document.description).toBe('two')
    expect(await faultsOf('PostedProfile', before.json())).toEqual([])
    const named = await revert({ version: 1, reason: 'one was best' })
    expect([named.statusCode, named.json<ProfileView>().document.description]).toEqual([201, 'one'])
    expect(await service.audited('profile.revert', named.headers['x-request-id'])).toMatchObject([
      { subject: 'profile/levers/5', reason: 'one was best', before: { version: 4 } }
    ])
    // What is the newest already makes no version.
    const again = await revert({ version: 1, reason: 'once more' })
    expect([again.statusCode, again.json<ProfileView>().version]).toEqual([200, 5])
  })

  it.each([
    ['levers', { version: 5 }, [422, 'profile_invalid']],
    ['levers', { version: 9 }, [422, 'profile_invalid']],
    ['starter', {}, [422, 'profile_invalid']],
    ['other', {}, [404, 'profile_not_found']]
  ])('are not reverted: %s to %o', async (name, body, expected) => {
    const answer = await service.as('admin').post(`/v1/profiles/${name}/revert`, { ...body, reason: 'try' })
    expect([answer.statusCode, problemOf(answer).code]).toEqual(expected)
  })

  const { subject } = document
  it.each([
    ['an unknown member', { extensions: [] }, ['/extensions']],
    ['a number as text', { backdateMinutes: '60' }, ['/backdateMinutes']],
    ['an unknown rule', { subject: { ...subject, Country: { rule: 'maybe' } } }, ['/subject/Country/rule']],
    ['a rule without its value', { subject: { Country: { rule: 'fixed' } } }, ['/subject/Country/value']],
    [
      'a rule with another rule’s members',
      { subject: { Country: { rule: 'forbidden', pattern: 'x', values: ['y'] } } },
      ['/subject/Country/pattern', '/subject/Country/values']
    ],
    ['no rule at all', { subject: { Country: {} } }, ['/subject/Country/rule']],
    ['text in place of a rule', { subject: { Country: 'required' } }, ['/subject/Country']],
    ['an unknown subject field', { subject: { Mail: { rule: 'allowed' } } }, ['/subject/Mail']],
    ['an unknown curve', { keys: { ec: { curves: ['P-256', 'P-192'] } } }, ['/keys/ec/curves/1']],
    [
      'an unknown choice deep in a union',
      { validity: { days: 1, whenIssuerExpiresFirst: 'ignore' } },
      ['/validity/whenIssuerExpiresFirst']
    ],
    [
      'a wrong literal',
      { validity: { notAfter: 'never', whenIssuerExpiresFirst: 'refuse' } },
      ['/validity/notAfter']
    ],
    [
      'three faults in three places',
      { name: 'No', backdateMinutes: -1, keyUsage: [] },
      ['/backdateMinutes', '/keyUsage', '/name']
    ]
  ])('with %s are refused where it stands, once, and not kept', async (_name, change, pointers) => {
    const answer = await post({ ...document, ...change })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)).toEqual(pointers)
    expect(await versionsOf('pumps')).toHaveLength(2)
  })

  it('with an unknown choice are told the choices', async () => {
    const answer = await post({ ...document, subject: { Country: { rule: 'maybe' } } })
    expect(problemOf(answer).violations).toMatchObject([
      { expected: 'required | allowed | fixed | forbidden', found: '"maybe"' }
    ])
  })

  const least = { name: 'least', authority: 'starter', template: document.template! }

  it('of name, authority and template alone are kept in full, and issue', async () => {
    const answer = await post(least)
    expect(answer.statusCode).toBe(201)
    const kept = answer.json<ProfileView>().document
    expect(kept).toEqual(completeProfile(least))
    expect((await get('/v1/profiles/least')).json<ProfileView>().document).toEqual(kept)
    const csr = makeCertificationRequest({ Country: 'DE', CommonName: 'least-1' })
    expect(await service.issue(csr, { profile: 'least' })).toMatchObject({ profileVersion: 1 })
    expect((await post(kept)).statusCode).toBe(200)
  })

  it('take a template in the form that it is deployed in, and issue by it', async () => {
    const stack = {
      Resources: {
        Meters: {
          Type: 'AWS::IoT::ProvisioningTemplate',
          Properties: {
            TemplateType: 'JITP',
            TemplateBody: meterBody,
            ProvisioningRoleArn: { 'Fn::GetAtt': 'Role.Arn' }
          }
        }
      }
    }
    const answer = await post({ name: 'meters', authority: 'starter', template: stack })
    expect(answer.statusCode).toBe(201)
    const own = await post({
      name: 'meters-alone',
      authority: 'starter',
      registrationConfig: { templateBody: meterBody, roleArn: 'arn:aws:iam::444455556666:role/jitp' }
    })
    expect(answer.json<ProfileView>().templateSha256).toBe(own.json<ProfileView>().templateSha256)
    const csr = makeCertificationRequest({ CommonName: 'meter-1', OrganizationalUnit: 'hall-4' })
    expect(await service.issue(csr, { profile: 'meters' })).toMatchObject({ thing: { thingName: 'meter-1' } })
  })

  it.each([
    ['body-is-yaml', 'Parameters: {}\nResources: {}\n', '/registrationConfig/templateBody'],
    [
      'terraform-source',
      'resource "aws_iot_provisioning_template" "t" {\n}\n',
      '/registrationConfig/templateBody'
    ],
    ['text-of-another-kind', '<html></html>', '/registrationConfig/templateBody']
  ])('are refused with %s in the place of a body of JSON', async (id, templateBody, pointer) => {
    const registrationConfig = { templateBody, roleArn: 'arn:aws:iam::444455556666:role/jitp' }
    const { status, ...problem } = problemOf(
      await post({ name: 'others', authority: 'starter', registrationConfig })
    )
    expect([status, problem.code]).toEqual([422, 'profile_invalid'])
    expect(problem.violations).toContainEqual(
      expect.objectContaining({ pointer, message: expect.stringContaining(`[${id}]`) as string })
    )
  })

  it('that lack name, authority or the template are refused', async () => {
    const { name: _name, authority: _authority, ...rest } = least
    expect(pointersOf(await post(rest))).toEqual(['/authority', '/name'])
    const answer = await post({ name: 'least', authority: 'starter' })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'profile_invalid'])
  })

  const warned = async (change: object) => {
    const answer = await post({ ...least, name: 'long', ...change })
    return answer.json<{ warnings: { pointer: string }[] }>().warnings.map(({ pointer }) => pointer)
  }

  it('whose certificates no active CA of the line outlives are answered with a warning', async () => {
    expect(await warned({ validity: { days: 9000 } })).not.toContain('/validity')
    expect(await warned({ validity: { days: 9200 } })).toContain('/validity')
    expect(await warned({ validity: { notAfter: '99991231235959Z' } })).toContain('/validity')
    const { checks } = (await get('/readyz')).json<{ checks: { authorities: { detail: string } } }>()
    expect(checks.authorities.detail).toContain('no expiry')
  })

  it('whose line has no active CA are answered with a warning', async () => {
    const made = await service.as('admin').post('/v1/authorities', generationBody('staged'))
    expect(made.statusCode).toBe(201)
    expect(await warned({ name: 'idle', authority: 'staged' })).toContain('/authority')
  })

  it('that nothing could be issued by are refused', async () => {
    const answer = await post({ ...document, authority: 'nowhere' })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'profile_invalid'])
    expect(pointersOf(answer)).toEqual(['/authority'])
  })
})
