import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemOf } from '../answer.ts'
import { type HttpService, openService } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'
import { fillLists } from './many-rows.ts'

const count = 230
const indices = Array.from({ length: count }, (_, index) => index)
const numbered = (index: number) => String(index).padStart(3, '0')

let service: HttpService
beforeAll(async () => {
  service = await openService()
  await fillLists(service.database.prisma, count)
})
afterAll(() => service.stop())

type Item = Readonly<Record<string, string>>

interface ListPage {
  readonly items: readonly Item[]
  readonly openCertificateIntents?: readonly Item[]
  readonly nextCursor?: string
  readonly nextIntentCursor?: string
}

const withQuery = (path: string, query: Readonly<Record<string, string | undefined>>) => {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `${path}?${new URLSearchParams(given).toString()}`
}

async function read(path: string, schema: string): Promise<ListPage> {
  const answer = await service.as('admin').get(path)
  expect(answer.statusCode).toBe(200)
  expect(await faultsOf(schema, answer.json())).toEqual([])
  return answer.json<ListPage>()
}

/** All pages, from the first to the one without a cursor. */
async function walk(path: string, schema: string, limit?: number): Promise<readonly ListPage[]> {
  const pages: ListPage[] = []
  let cursor: string | undefined
  do {
    const page = await read(withQuery(path, { limit: limit?.toString(), cursor }), schema)
    pages.push(page)
    cursor = page.nextCursor
  } while (cursor !== undefined && pages.length < 1000)
  return pages
}

interface ListCase {
  readonly path: string
  readonly schema: string
  /** How many items are on a page that nothing is said of, and at most. */
  readonly usual: number
  readonly most: number
  /** What tells the items of the test, and in which order they come. */
  readonly nameOf: (item: Item) => string | undefined
  readonly expected: readonly string[]
}

const named = (item: Item) => (/^many-\d+$/.test(item['name']!) ? item['name'] : undefined)
const manyNames = indices.map(index => `many-${numbered(index)}`)

const lists: readonly ListCase[] = [
  {
    path: '/v1/tokens',
    schema: 'TokenList',
    usual: 100,
    most: 1000,
    nameOf: named,
    expected: manyNames.toReversed()
  },
  {
    path: '/v1/stations',
    schema: 'StationList',
    usual: 100,
    most: 1000,
    nameOf: named,
    expected: manyNames
  },
  {
    path: '/v1/profiles',
    schema: 'ProfileList',
    usual: 50,
    most: 200,
    nameOf: item => named(item) && `${item['name']} ${item['version']}`,
    expected: manyNames.map(name => `${name} 2`)
  },
  {
    path: '/v1/profiles/versions/versions',
    schema: 'ProfileList',
    usual: 50,
    most: 200,
    nameOf: item => String(item['version']),
    expected: indices.map(index => String(index + 1)).toReversed()
  },
  ...['/v1/authorities', '/v1/authorities/many'].map(path => ({
    path,
    schema: 'AuthorityList',
    usual: 50,
    most: 100,
    nameOf: (item: Item) => (item['line'] === 'many' ? item['name'] : undefined),
    expected: indices.map(index => `many-g${index + 1}`)
  })),
  {
    path: '/v1/authorities/starter-g1/aws-registrations',
    schema: 'AwsRegistrationList',
    usual: 100,
    most: 200,
    nameOf: item => item['accountAlias'],
    expected: manyNames
  }
]

describe.each(lists)('$path', ({ path, schema, usual, most, nameOf, expected }) => {
  it.each([undefined, 7, most])(
    'is read page by page, whole, once and in order, with the limit %s',
    async limit => {
      const pages = await walk(path, schema, limit)
      const names = pages.flatMap(({ items }) => items.map(nameOf).filter(name => name !== undefined))
      expect(names).toEqual(expected)
      const size = limit ?? usual
      expect(pages.every(({ items }) => items.length <= size)).toBe(true)
      if (size < count) expect(pages.length).toBeGreaterThanOrEqual(Math.floor(count / size))
    }
  )

  it.each([
    ['limit', '0'],
    ['limit', String(most + 1)],
    ['limit', 'many'],
    ['cursor', 'No cursor'],
    ['after', '1']
  ])('refuses %s=%s', async (name, value) => {
    const answer = await service.as('admin').get(withQuery(path, { [name]: value }))
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
  })
})

it.each([
  ['/v1/profiles', 'big-'],
  ['/v1/profiles/big/versions', 'big']
])('a page of %s ends early where its documents are big', async (path, name) => {
  const pages = await walk(path, 'ProfileList')
  const big = pages.map(({ items }) => items.filter(item => item['name']!.startsWith(name)).length)
  expect(Math.max(...big)).toBe(3)
  expect(big.reduce((sum, each) => sum + each)).toBe(10)
})

it.each([
  ['/v1/authorities', count],
  ['/v1/authorities/many', count / 2],
  ['/v1/authorities/many-g10', 1]
])('the open intents of %s are read page by page', async (path, expected) => {
  const found: Item[] = []
  let intentCursor: string | undefined
  do {
    const page = await read(withQuery(path, { intentCursor }), 'AuthorityList')
    expect(page.openCertificateIntents!.length).toBeLessThanOrEqual(50)
    found.push(...page.openCertificateIntents!)
    intentCursor = page.nextIntentCursor
  } while (intentCursor !== undefined)
  expect(new Set(found.map(({ serialNumber }) => serialNumber)).size).toBe(expected)
  expect(found).toHaveLength(expected)
})

it.each([
  ['/v1/profiles/versions/versions?cursor=1', 'ProfileList'],
  ['/v1/profiles?cursor=zzz', 'ProfileList'],
  ['/v1/authorities/many?cursor=ffffffff-ffff-7fff-bfff-ffffffffffff', 'AuthorityList']
])('after the last page comes an empty one: %s', async (path, schema) => {
  const page = await read(path, schema)
  expect(page.items).toEqual([])
  expect(page).not.toHaveProperty('nextCursor')
})

it.each([
  ['/v1/profiles/other/versions?cursor=9', 'profile_not_found'],
  ['/v1/authorities/other?cursor=00000000-0000-7000-8000-000000000000', 'authority_not_found']
])('what does not exist has no page: %s', async (path, code) => {
  const answer = await service.as('admin').get(path)
  expect(problemOf(answer).code).toBe(code)
})

it('a page goes on where the one before ended, whatever came in between', async () => {
  const [first] = await walk('/v1/tokens', 'TokenList', 1000)
  const half = await read('/v1/tokens?limit=120', 'TokenList')
  await service.as('admin').post('/v1/tokens', { role: 'station', name: 'newcomer' })
  const rest = await read(withQuery('/v1/tokens', { limit: '1000', cursor: half.nextCursor }), 'TokenList')
  expect([...half.items, ...rest.items]).toEqual(first!.items)
})
