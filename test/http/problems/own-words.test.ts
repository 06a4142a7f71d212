import { afterAll, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp } from '../port.ts'

const { app } = await createTestApp()
await app.ready()
afterAll(() => app.close())

interface Schema {
  readonly pattern?: string
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
}
interface Parameter {
  readonly name: string
  readonly in: string
  readonly schema: Schema
}
interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}

const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, Operation>> }
const names = ['reason', 'note', 'comment']
const isOwnWords = (name: string, schema: Schema) => names.includes(name) && schema.enum === undefined

/** One that a parameter of a path takes: an id, a fingerprint or a number, which are names as well. */
function valueOf({ pattern = '' }: Schema): string {
  const values = ['019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11', 'a'.repeat(64), '4711']
  return values.find(value => new RegExp(pattern, 'u').test(value))!
}

/** What is said in whoever's own words, wherever something is asked for. */
const said = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { parameters = [], requestBody }]) => {
    const url = parameters
      .filter(each => each.in === 'path')
      .reduce((all, { name, schema }) => all.replace(`{${name}}`, valueOf(schema)), path)
    const inQuery = parameters
      .filter(each => each.in === 'query' && isOwnWords(each.name, each.schema))
      .map(({ name }) => ({ method, url, name, isQuery: true }))
    const { properties = {} } = requestBody?.content['application/json']?.schema ?? {}
    const inBody = Object.entries(properties)
      .filter(([name, schema]) => isOwnWords(name, schema))
      .map(([name]) => ({ method, url, name, isQuery: false }))
    return [...inQuery, ...inBody]
  })
)

it('is asked for in many places', () => {
  expect(said.length).toBeGreaterThan(25)
})

it.each(said)('$name of $method $url says something', async ({ method, url, name, isQuery }) => {
  const ask = async (text: string) => {
    const answer = await app.inject({
      method: method.toUpperCase() as 'POST',
      url: isQuery ? `${url}?${new URLSearchParams({ [name]: text }).toString()}` : url,
      headers: bearer('admin'),
      ...(!isQuery && { payload: { [name]: text } })
    })
    return { ...problemOf(answer), pointers: answer.statusCode === 400 ? pointersOf(answer) : [] }
  }
  const pointer = isQuery ? `/query/${name}` : `/${name}`
  for (const text of ['', ' ', '\t\n', '\u3000\u00a0', '\u200b\u2060', 'x'.repeat(501)])
    expect((await ask(text)).pointers, JSON.stringify(text)).toContain(pointer)
  expect((await ask(' ü ')).pointers).not.toContain(pointer)
})
