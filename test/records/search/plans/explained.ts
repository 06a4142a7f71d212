import type { Database } from '../../../../src/database/database.ts'
import { Prisma } from '../../../../src/database/generated/client.ts'
import type { Reading } from '../../../../src/database/sessions/reading.ts'

/** A node of a plan, as EXPLAIN (FORMAT JSON) tells it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Filter?: string
  readonly 'Actual Loops': number
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly PlanNode[]
}

/** What statements did since the last `take`. */
export interface Explained {
  readonly database: Database
  take(): { readonly nodes: readonly PlanNode[]; readonly blocks: number }
}

type Asking = Pick<Prisma.TransactionClient, '$queryRaw'>

/** The same database, of which every statement that is built of parts is also explained, by running it. */
export function explain(database: Database): Explained {
  let plans: PlanNode[] = []

  type Ask = <Row>(statement: Prisma.Sql) => PromiseLike<readonly Row[]>

  async function explained(ask: Ask, statement: Prisma.Sql): Promise<void> {
    // It asks for a plan itself, and reads no rows.
    if (statement.sql.startsWith('EXPLAIN ')) return
    const [row] = await ask<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
      Prisma.sql`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`
    )
    plans.push(row!['QUERY PLAN'][0]!.Plan)
  }

  const wrapReading = (reading: Reading): Reading => ({
    ...reading,
    async ask<Row>(statement: Prisma.Sql) {
      await explained(each => reading.ask(each), statement)
      return reading.ask<Row>(statement)
    }
  })

  const wrap = <Client extends Asking>(client: Client): Client =>
    new Proxy(client, {
      get(target, name) {
        if (name === '$queryRaw')
          return async (first: Prisma.Sql | TemplateStringsArray, ...values: Prisma.Sql[]) => {
            const statement = 'sql' in first ? first : Prisma.sql(first, ...values)
            await explained(each => target.$queryRaw(each), statement)
            return target.$queryRaw(statement)
          }
        if (name === '$transaction')
          return (work: (transaction: Client) => unknown, options: object) =>
            (target as unknown as Transacting).$transaction(each => work(wrap(each as Client)), options)
        return Reflect.get(target, name) as unknown
      }
    })

  return {
    database: {
      ...database,
      prisma: wrap(database.prisma),
      read: (options, work) => database.read(options, each => work(wrapReading(each)))
    },
    take() {
      const nodes = plans.flatMap(withInner)
      const blocks = plans.reduce(
        (sum, plan) => sum + plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
        0
      )
      plans = []
      return { nodes, blocks }
    }
  }
}

interface Transacting {
  $transaction(work: (transaction: Asking) => unknown, options: object): Promise<unknown>
}

function withInner(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(withInner)]
}
