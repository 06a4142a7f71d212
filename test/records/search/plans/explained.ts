import type { Database } from '../../../../src/database/database.ts'
import { Prisma } from '../../../../src/database/generated/client.ts'
import type { Reading } from '../../../../src/database/sessions/reading.ts'

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

/** The same database, of which every statement that is read with others is also explained, by running it. */
export function explain(database: Database): Explained {
  let plans: PlanNode[] = []

  function wrap(reading: Reading): Reading {
    return {
      ...reading,
      async ask<Row>(statement: Prisma.Sql) {
        const [row] = await reading.ask<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
          Prisma.sql`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`
        )
        plans.push(row!['QUERY PLAN'][0]!.Plan)
        return reading.ask<Row>(statement)
      }
    }
  }

  return {
    database: { ...database, read: (options, work) => database.read(options, each => work(wrap(each))) },
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

function withInner(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(withInner)]
}
