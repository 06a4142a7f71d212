import type { Database } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import type { NamedStore, NamedWay } from './named.ts'

export function createNamedStore({ prisma }: Database): NamedStore {
  const counts: Readonly<Record<NamedWay, (name: string) => Promise<number>>> = {
    lot: id => prisma.lot.count({ where: { id } }),
    station: name => prisma.station.count({ where: { name } }),
    line: line => prisma.station.count({ where: { line } }),
    authority: name => prisma.authority.count({ where: { name } })
  }
  return {
    isThere: (way, name) => runQuery(async () => (await counts[way](name)) > 0),
    listGenerations: line =>
      runQuery(async () => {
        const rows = await prisma.authority.findMany({
          where: { line },
          select: { name: true },
          orderBy: { id: 'asc' }
        })
        return rows.map(({ name }) => name)
      })
  }
}
