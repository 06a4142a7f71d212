import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const pages = [root, join(root, 'docs'), join(root, 'docs/adr')].flatMap(folder =>
  readdirSync(folder)
    .filter(name => name.endsWith('.md'))
    .map(name => join(folder, name).slice(root.length))
)
/** What was true when it was written. */
const guides = pages.filter(page => page !== 'CHANGELOG.md' && !page.startsWith('docs/adr/'))

function mentions(pattern: RegExp, among = pages): readonly (readonly [page: string, text: string])[] {
  return among.flatMap(page => [...read(page).matchAll(pattern)].map(match => [page, match[1]!] as const))
}

/** As GitHub makes them of headings. */
function anchorsOf(path: string): readonly string[] {
  return [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  )
}

it('links lead to files and headings that are there', () => {
  const links = mentions(/\]\((?!https?:)([^)\s]+)\)/g)
  expect(links.length).toBeGreaterThan(40)
  const broken = links.filter(([page, link]) => {
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? page : join(dirname(page), file)
    if (!existsSync(join(root, target))) return true
    return anchor !== undefined && !anchorsOf(target).includes(anchor)
  })
  expect(broken).toEqual([])
})

it('files that are named are there', () => {
  const named = mentions(/`((?:src|test|bench|scripts|docs|prisma|openapi|\.ci)\/[\w./-]+)`/g, guides)
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(([, path]) => !existsSync(join(root, path)))).toEqual([])
})

it('every folder of the source has its place in the house that CONTRIBUTING.md shows', () => {
  const [, house = ''] = /^## The house\n(.*?)^## /ms.exec(read('CONTRIBUTING.md')) ?? []
  const named = [...house.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name)
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
  expect(folders.length).toBeGreaterThan(20)
  expect(folders.filter(name => !named.includes(name))).toEqual([])
})

it('scripts that are named are in package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: object }
  const named = mentions(/npm run ([\w:-]+)/g, guides)
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(([, script]) => !Object.hasOwn(scripts, script))).toEqual([])
})

it('commands that are named are commands', () => {
  const usage = read('src/main.ts')
  const named = mentions(/(?:^|`|\n)\.\/mintline ([a-z][\w-]+)/g)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(([, command]) => !usage.includes(`\n  ${command} `))).toEqual([])
})

it('nothing tells to have npx fetch what is not on the registry', () => {
  expect(mentions(/(npx mintline)/g)).toEqual([])
})

it('no line that is printed has a tool write to a device, which some delete when they fail', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join('src', name))
  const written = mentions(/(?<=\s)((?:-out|-keyout|-o|--out|--outfile|--output)[ =]\/dev\/\w+)/g, [
    ...pages.filter(page => page !== 'CHANGELOG.md'),
    ...sources
  ])
  expect(written).toEqual([])
})
