import { MintlineError } from '../../errors/mintline-error.ts'
import { monthOf } from '../../records/months/month.ts'
import type { IdentifierRange } from '../../sources/identifier.ts'
import type { ChosenSelection } from './selection.ts'

export interface AttachedDependencies {
  /** The months that are detached, of those that a range touches. */
  readonly listDetached: (range: IdentifierRange) => Promise<readonly string[]>
  /** When the lot was made; undefined where there is none. */
  readonly findLotTime: (lot: string) => Promise<Date | undefined>
}

/**
 * What stands in a month that is detached is not there for an order: it would be passed over without a word.
 *
 * @throws MintlineError `record_detached`.
 */
export async function assertAttached(
  selection: ChosenSelection,
  { listDetached, findLotTime }: AttachedDependencies
): Promise<void> {
  const months = await monthsOf(selection)
  if (months.length === 0) return
  throw new MintlineError(
    'record_detached',
    `What is selected may be of the month ${months.join(', ')}, which has been detached from the record: the order would pass it over. Nothing was revoked. Attach it first (mintline months attach ${months[0]}), or select what is of other months alone.`,
    { members: { month: months[0] } }
  )

  async function monthsOf(selection: ChosenSelection): Promise<readonly string[]> {
    if ('ids' in selection) {
      const detached = await listDetached({})
      return detached.filter(month => selection.ids.some(id => monthOf(id) === month))
    }
    const { from, to } = selection
    if ('lot' in selection) {
      const made = await findLotTime(selection.lot)
      if (made === undefined) return []
      return listDetached({ from: from !== undefined && from > made ? from : made, ...(to && { to }) })
    }
    return listDetached({ ...(from && { from }), ...(to && { to }) })
  }
}
