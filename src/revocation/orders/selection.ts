/**
 * Which certificates an order is about: those issued, or begun, until it is given. `from` is inclusive, `to` exclusive, both of
 * when they were asked for.
 */
export type Selection =
  | { readonly lot: string }
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
export function toldSelection(selection: Selection): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(selection)) as Record<string, unknown>
}

/** @param told by `toldSelection`. */
export function readSelection(told: Readonly<Record<string, unknown>>): Selection {
  const { from, to, ...others } = told as { readonly from?: string; readonly to?: string }
  return {
    ...others,
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) })
  } as Selection
}
