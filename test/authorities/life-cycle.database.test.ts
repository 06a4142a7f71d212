import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AuthorityState,
  authorityStates,
  nextStates
} from '../../src/authorities/life-cycle/life-cycle.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { startTestAdministration, type TestAdministration } from '../support/test-administration.ts'

let parts: TestAdministration

beforeAll(async () => {
  parts = await startTestAdministration()
})

afterAll(() => parts.stop())

/** How a generation gets into each state. */
const ways: Readonly<Record<AuthorityState, readonly ('activate' | 'retire' | 'compromise')[]>> = {
  pending: [],
  staged: [],
  active: ['activate'],
  retiring: ['activate'],
  retired: ['activate', 'retire'],
  compromised: ['compromise']
}

let lines = 0

/** A line of its own, with a generation in that state. */
async function generationIn(state: AuthorityState): Promise<string> {
  const { administration } = parts
  const line = `line-${++lines}`
  const certificate = state === 'pending' ? ({ kind: 'external' } as const) : undefined
  const name = await administration.create(selfSigned(line, certificate && { certificate }), act)
  for (const verb of ways[state]) {
    if (verb === 'retire') await supersede(line)
    await take(verb, name)
  }
  if (state === 'retiring') await supersede(line)
  expect(await stateOf(name)).toBe(state)
  return name
}

async function take(verb: 'activate' | 'retire' | 'compromise', name: string): Promise<void> {
  const { administration } = parts
  if (verb === 'retire') return administration.retire(name, { abandon: false }, act)
  await administration[verb](name, act)
}

async function supersede(line: string): Promise<void> {
  await parts.administration.activate(await parts.administration.create(selfSigned(line), act), act)
}

const stateOf = async (name: string) => (await parts.administration.find(name))[0]?.state

const verbs = { active: 'activate', retired: 'retire', compromised: 'compromise' } as const
const steps = authorityStates.flatMap(from =>
  (['active', 'retired', 'compromised'] as const).map(to => ({ from, to }))
)

/** What leads there, or why nothing has to. */
const wayOut = /POST \/v1\/authorities|Activate another|issues already|nothing left to do|leave it as it is/

describe('the steps of an authority', () => {
  it.each(steps.filter(({ from, to }) => nextStates[from].includes(to)))(
    '$from to $to is taken, with its audit event',
    async ({ from, to }) => {
      const name = await generationIn(from)
      await take(verbs[to], name)
      expect(await stateOf(name)).toBe(to)
      const event = await parts.test.database.prisma.auditEvent.findFirst({
        where: { subject: `authority/${name}` },
        orderBy: { id: 'desc' }
      })
      expect(event).toMatchObject({
        act: `authority.${to}`,
        actor: act.actor,
        reason: act.reason,
        before: { state: from },
        after: { state: to }
      })
    }
  )

  it.each(steps.filter(({ from, to }) => !nextStates[from].includes(to)))(
    '$from to $to is refused, and nothing is written',
    async ({ from, to }) => {
      const name = await generationIn(from)
      const events = await parts.test.database.prisma.auditEvent.count()
      await expect(take(verbs[to], name)).rejects.toMatchObject({
        code: 'authority_transition_refused',
        detail: expect.stringMatching(wayOut) as unknown
      })
      expect(await stateOf(name)).toBe(from)
      expect(await parts.test.database.prisma.auditEvent.count()).toBe(events)
    }
  )

  const pairs = authorityStates.flatMap(from => authorityStates.map(to => ({ from, to })))
  it.each(pairs.filter(({ from, to }) => from !== to))(
    'the database holds the same table: $from to $to',
    async ({ from, to }) => {
      const { prisma } = parts.test.owner
      const id = `00000000-0000-7000-8000-0000000${String(10_000 + ++lines)}`
      const name = `raw-${lines}`
      await prisma.$executeRawUnsafe(
        `INSERT INTO authority (id, name, line, generation, state, certificate_der, issuers_der, signer, created_at)
         VALUES ('${id}', '${name}', '${name}', 1, '${from}', '', '{}', '{}', '1970-01-01')`
      )
      const update = prisma.$executeRawUnsafe(`UPDATE authority SET state = '${to}' WHERE id = '${id}'`)
      if (nextStates[from].includes(to)) expect(await update).toBe(1)
      else await expect(update).rejects.toThrow()
      await prisma.$executeRawUnsafe('ALTER TABLE authority DISABLE TRIGGER stays')
      await prisma.$executeRawUnsafe(`DELETE FROM authority WHERE id = '${id}'`)
      await prisma.$executeRawUnsafe('ALTER TABLE authority ENABLE ALWAYS TRIGGER stays')
    }
  )
})

describe('a rotation', () => {
  it('makes the one before retiring in the same step, and can be taken back', async () => {
    const first = await generationIn('active')
    const [line] = first.split('-g')
    const second = await parts.administration.create(selfSigned(line!), act)
    await parts.administration.activate(second, act)
    expect([await stateOf(first), await stateOf(second)]).toEqual(['retiring', 'active'])
    await parts.administration.activate(first, act)
    expect([await stateOf(first), await stateOf(second)]).toEqual(['active', 'retiring'])
  })

  it('gives the successor its generation in the subject, unless told otherwise', async () => {
    const { administration } = parts
    const names = [
      await administration.create(selfSigned('named'), act),
      await administration.create(selfSigned('named'), act),
      await administration.create(selfSigned('named', { generationInSubject: false }), act)
    ]
    const subjects = (await administration.find('named')).map(({ subject }) => subject.CommonName)
    expect(names).toEqual(['named-g1', 'named-g2', 'named-g3'])
    expect(subjects).toEqual(['named CA', 'named CA G2', 'named CA'])
  })

  it('does not switch to a key that cannot sign', async () => {
    const first = await generationIn('active')
    const [line] = first.split('-g')
    const second = await parts.administration.create(selfSigned(line!), act)
    const broken = createTestAdministration(parts.test.database, parts.data.path, {
      wrapOpener: open => async reference => {
        const signer = await open(reference)
        return { ...signer, publicKeySpkiDer: signer.publicKeySpkiDer.slice(1) }
      }
    })
    await expect(broken.administration.activate(second, act)).rejects.toMatchObject({ code: 'key_unusable' })
    expect([await stateOf(first), await stateOf(second)]).toEqual(['active', 'staged'])
  })

  it('does not switch to a certificate that has expired', async () => {
    const name = await generationIn('staged')
    const later = createTestAdministration(parts.test.database, parts.data.path, {
      clock: () => new Date(Date.now() + 9126 * 86_400_000)
    })
    await expect(later.administration.activate(name, act)).rejects.toMatchObject({
      code: 'authority_invalid'
    })
  })

  it('is decided once when two administrators make the same generation', async () => {
    const results = await Promise.allSettled(
      [1, 2, 3].map(() => parts.administration.create(selfSigned('contested'), act))
    )
    const made = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    const codes = results.flatMap(result =>
      result.status === 'rejected' ? [(result.reason as { code: string }).code] : []
    )
    expect(new Set(made).size).toBe(made.length)
    expect(codes.every(code => code === 'authority_exists')).toBe(true)
    for (const name of made) await parts.administration.activate(name, act)
  })

  it('refuses a line that reads like a generation', async () => {
    await expect(parts.administration.create(selfSigned('acme-g2'), act)).rejects.toMatchObject({
      code: 'authority_invalid'
    })
  })
})
