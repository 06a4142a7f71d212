import Type, { type TString } from 'typebox'
import type { Page } from '../../sources/page.ts'

interface PageQuerySchema {
  readonly cursor: TString
  readonly defaultLimit: number
  readonly maximumLimit: number
}

/** The members of a query string by which a list is asked for page by page. */
export function pageQuery({ cursor, defaultLimit, maximumLimit }: PageQuerySchema) {
  return {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: maximumLimit, default: defaultLimit })),
    cursor: Type.Optional(Type.String({ ...cursor, description: 'The `nextCursor` of the page before.' }))
  }
}

/** @param rest what the pages to come hold. */
export function nextCursor(rest: string) {
  return Type.Optional(Type.String({ description: `There while ${rest} remain; pass it on as \`cursor\`.` }))
}

/** One page as it is answered. */
export function viewPage<Item, View>({ items, nextCursor }: Page<Item>, view: (item: Item) => View) {
  return { items: items.map(view), ...(nextCursor !== undefined && { nextCursor }) }
}
