import type { Database } from '../../../../src/database/database.ts'
import { Prisma } from '../../../../src/database/generated/client.ts'

/** A node of a plan, as EXPLAIN (FORMAT JSON) tells it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
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

  async function explained(client: Asking, statement: Prisma.Sql): Promise<void> {
    const [row] = await client.$queryRaw<{ 'QUERY PLAN': { Plan: PlanNode }[] }[]>(
      Prisma.sql`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`
    )
    plans.push(row!['QUERY PLAN'][0]!.Plan)
  }

  const wrap = <Client extends Asking>(client: Client): Client =>
    new Proxy(client, {
      get(target, name) {
        if (name === '$queryRaw')
          return async (first: Prisma.Sql | TemplateStringsArray, ...values: Prisma.Sql[]) => {
            const statement = 'sql' in first ? first : Prisma.sql(first, ...values)
            await explained(target, statement)
            return target.$queryRaw(statement)
          }
        if (name === '$transaction')
          return (work: (transaction: Client) => unknown, options: object) =>
            (target as unknown as Transacting).$transaction(each => work(wrap(each as Client)), options)
        return Reflect.get(target, name) as unknown
      }
    })

  return {
    database: { ...database, prisma: wrap(database.prisma) },
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
