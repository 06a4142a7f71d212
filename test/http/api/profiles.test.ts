import { afterAll, describe, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp, profileDocument } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())

const admin = bearer('admin')
const get = (url: string) => app.inject({ url, headers: admin })
const post = (url: string, payload: object) => app.inject({ method: 'POST', url, headers: admin, payload })

const profile = {
  id: '019ab1ec-5310-7e25-a1d4-6c0f4e7b8a92',
  name: 'starter',
  version: 3,
  document: profileDocument,
  templateSha256: '5a'.repeat(32),
  createdAt: '2026-11-23T10:00:00.123Z',
  createdBy: 'admin/admin'
}

describe('profiles', () => {
  it('are made from a document, and answered with warnings and their place', async () => {
    const answer = await post('/v1/profiles', profileDocument)
    expect(answer.statusCode).toBe(201)
    expect(answer.headers['location']).toBe('/v1/profiles/starter/versions/3')
    expect(answer.json()).toMatchObject({ ...profile, warnings: [{ pointer: '/validity' }] })
    expect(asked.documents.at(-1)).toEqual(profileDocument)
    expect(await faultsOf('PostedProfile', answer.json())).toEqual([])
  })

  it.each([
    ['/v1/profiles', { items: [profile] }, 'ProfileList'],
    ['/v1/profiles/starter', profile, 'Profile'],
    ['/v1/profiles/starter/versions', { items: [profile, { ...profile, version: 2 }] }, 'ProfileList'],
    ['/v1/profiles/starter/versions/2', { ...profile, version: 2 }, 'Profile']
  ])('are read at %s', async (url, expected, schema) => {
    const answer = await get(url)
    expect(answer.json()).toEqual(expected)
    expect(await faultsOf(schema, answer.json())).toEqual([])
  })

  it.each([
    ['/v1/profiles/other', 404, 'profile_not_found'],
    ['/v1/profiles/other/versions', 404, 'profile_not_found'],
    ['/v1/profiles/starter/versions/4', 404, 'profile_not_found'],
    ['/v1/profiles/starter/versions/0', 400, 'request_invalid'],
    ['/v1/profiles/starter/versions/two', 400, 'request_invalid'],
    ['/v1/profiles/starter/versions/2.0', 400, 'request_invalid'],
    ['/v1/profiles/Starter', 400, 'request_invalid']
  ])('are refused at %s', async (url, status, code) => {
    const answer = await get(url)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([status, code])
  })

  const { subject } = profileDocument
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
  ])('with %s are refused where it stands, once', async (_name, change, pointers) => {
    const answer = await post('/v1/profiles', { ...profileDocument, ...change })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)).toEqual(pointers)
  })

  it('with an unknown choice are told the choices', async () => {
    const answer = await post('/v1/profiles', { ...profileDocument, subject: { Country: { rule: 'maybe' } } })
    expect(problemOf(answer).violations).toMatchObject([
      { expected: 'required | allowed | fixed | forbidden', found: '"maybe"' }
    ])
  })
})
