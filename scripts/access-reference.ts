import { type Role, roles } from '../src/access/principal.ts'
import { membersWithRights, readersOfMember } from '../src/http/api/records/member-rights.ts'
import type { RouteRight } from '../src/http/plugins/route-access.ts'

const introduction = `Which route lets in whom, as the routes declare it; HEAD is as GET. A route that does not say so cannot be registered, and a request whose
role is not named is answered with \`403 role_forbidden\` before its body is read.

- **own**: a station sees the records of what it asked for itself, and gets certificates of its profiles alone.
- **lines**: who is held to some lines of production sees stations and records of these alone. Everywhere else a token
  with \`lines\` is answered with \`403 lines_forbidden\`.`

const membersIntroduction = `Who decided something about a certificate, and why in their words, is for people. A station is shown that it was, and when; these members
are left out of what it reads, and where its \`fields\` names one of them, the answer is \`400 request_invalid\`. All other members are
shown to whoever may read the record.`

/** `docs/access.md`: who gets in where, of the routes of the API. HEAD follows GET. */
export function renderAccessReference(rights: readonly RouteRight[]): string {
  const api = rights.filter(({ name }) => /^(?!HEAD)\w+ \/v1\//.test(name)).toSorted(byPath)
  const open = api.filter(({ access }) => access === 'public').map(({ name }) => `\`${name}\``)
  const rows = api.flatMap(({ name, access, ...heeds }) =>
    access === 'public' ? [] : [[`\`${name}\``, ...roles.map(role => cellOf(role, { access, ...heeds }))]]
  )
  const table = [['route', ...roles], ['---', ...roles.map(() => '---')], ...rows]
  const lines = table.map(cells => `| ${cells.join(' | ')} |`)
  const last = `Without a token: ${open.join(', ')}, and all that is not below \`/v1\`: health, metrics and documentation.`
  const parts = [
    '# Who may do what',
    introduction,
    lines.join('\n'),
    last,
    '## Members of records',
    membersTold()
  ]
  return `${parts.join('\n\n')}\n`
}

/** What of a record only some are shown who may read it. */
function membersTold(): string {
  const most = Math.max(...membersWithRights.map(member => readersOfMember(member).length))
  const some = membersWithRights.filter(member => readersOfMember(member).length < most)
  const rows = some.map(member => [
    `\`${member}\``,
    ...roles.map(role => (readersOfMember(member).includes(role) ? 'yes' : ''))
  ])
  const table = [['member', ...roles], ['---', ...roles.map(() => '---')], ...rows]
  return `${membersIntroduction}\n\n${table.map(cells => `| ${cells.join(' | ')} |`).join('\n')}`
}

type Declared = Omit<RouteRight, 'name' | 'access'> & { readonly access: readonly Role[] }

function cellOf(role: Role, { access, heedsLines, heedsStation }: Declared): string {
  if (!access.includes(role)) return ''
  if (role === 'station') return heedsStation ? 'own' : 'yes'
  return heedsLines && role !== 'admin' ? 'lines' : 'yes'
}

function byPath(a: RouteRight, b: RouteRight): number {
  const pathOf = ({ name }: RouteRight) => name.slice(name.indexOf(' '))
  return pathOf(a) < pathOf(b) ? -1 : pathOf(a) > pathOf(b) ? 1 : a.name < b.name ? -1 : 1
}
