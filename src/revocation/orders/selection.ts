/** Which certificates an order is about. */
export type Selection =
  | ChosenSelection
  /** All that a compromised generation, of this name, has issued: no more come, by whatever clock. */
  | { readonly compromised: string }

/**
 * As it is asked for: those issued, or begun, until the order is given. `from` is inclusive, `to` exclusive, both of when they were
 * asked for.
 */
export type ChosenSelection =
  | ({ readonly lot: string } & Partial<Span>)
  | ({ readonly station: string } & Span)
  | ({ readonly line: string } & Span)
  /** The name of a generation. */
  | ({ readonly authority: string } & Partial<Span>)
  /** Of records. */
  | { readonly ids: readonly string[] }

interface Span {
  readonly from: Date
  readonly to: Date
}

/** As JSON has it: times as RFC 3339. */
export type ToldSelection = Readonly<Record<string, unknown>>

export function toldSelection(selection: Selection): ToldSelection {
  return JSON.parse(JSON.stringify(selection)) as ToldSelection
}

/** Of what is named one by one, how many: there are thousands of ids. */
export function shortSelection(selection: Selection): ToldSelection {
  return 'ids' in selection ? { selected: selection.ids.length } : toldSelection(selection)
}

/** @param told by `toldSelection`. */
export function readSelection(told: ToldSelection): Selection {
  const { from, to, ...others } = told as { readonly from?: string; readonly to?: string }
  return {
    ...others,
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) })
  } as Selection
}
