import { MintlineError } from '../../../errors/mintline-error.ts'
import type { AskedSelection } from '../../../revocation/orders/orders.ts'
import { parseInstant } from '../../listing/times.ts'
import { normaliseSerialNumber } from '../records/query.ts'
import type { RevocationOrderBodyView } from './order-schemas.ts'

type Select = RevocationOrderBodyView['select']

const ways = ['lot', 'station', 'line', 'authority', 'ids', 'serialNumbers'] as const

/** @throws MintlineError `request_invalid`. */
export function selectionOf(select: Select): AskedSelection {
  const { lot, station, line, authority, ids, serialNumbers } = select
  const named = ways.filter(way => select[way] !== undefined)
  if (named.length !== 1)
    throw invalid('', `exactly one of ${ways.join(', ')}`, named.length === 0 ? 'none' : named.join(', '))
  const span = spanOf(select, named[0]!)
  if (lot !== undefined) return { lot, ...span }
  if (ids !== undefined) return { ids }
  if (serialNumbers !== undefined) return { serialNumbers: serialNumbers.map(octetsOf) }
  if (authority !== undefined) return { authority, ...span }
  const { from, to } = span
  if (from === undefined || to === undefined)
    throw invalid(from === undefined ? '/from' : '/to', `a time beside ${named[0]}`, 'none')
  return station === undefined ? { line: line!, from, to } : { station, from, to }
}

const octetsOf = (serialNumber: string) =>
  new Uint8Array(Buffer.from(normaliseSerialNumber(serialNumber), 'hex'))

function spanOf({ from, to }: Select, way: (typeof ways)[number]) {
  if (way === 'ids' || way === 'serialNumbers') {
    const given = from === undefined ? (to === undefined ? undefined : 'to') : 'from'
    if (given !== undefined) throw invalid(`/${given}`, `no time beside ${way}`, given)
  }
  return {
    ...(from !== undefined && { from: parseInstant(from, '/select/from') }),
    ...(to !== undefined && { to: parseInstant(to, '/select/to') })
  }
}

function invalid(at: string, expected: string, found: string): MintlineError {
  return new MintlineError('request_invalid', 'The selection cannot be used. Nothing was revoked.', {
    violations: [
      {
        pointer: `/select${at}`,
        expected,
        found,
        message: 'Say in one way which certificates are meant; station and line with a range of time.'
      }
    ]
  })
}
