/** Where a value starts, and its member name if it has one, as UTF-16 code units of the text. */
interface JsonOffset {
  readonly value: number
  readonly name: number | undefined
}

/** A value in the tree of a text. Its pointer is made when it is asked for: all of them would be as long as the square of the text. */
export interface JsonPlace extends JsonOffset {
  value: number
  readonly parent: JsonPlace | undefined
  readonly token: string | number
  inner?: Map<string, JsonPlace>
}

/** Adds a member or an item; a member of the same name is replaced. */
export function addPlace(parent: JsonPlace, token: string | number, name?: number): JsonPlace {
  const place: JsonPlace = { value: 0, name, parent, token }
  parent.inner ??= new Map()
  parent.inner.set(String(token), place)
  return place
}

/** Appends one reference token to an RFC 6901 pointer. */
export function pointerTo(pointer: string, token: string | number): string {
  return `${pointer}/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

export function pointerOf({ parent, token }: JsonPlace): string {
  return parent === undefined ? '' : pointerTo(pointerOf(parent), token)
}

/** The places of all values of a text. */
export class JsonPlaces {
  readonly #root: JsonPlace

  constructor(root: JsonPlace) {
    this.#root = root
  }

  /** Of the value at an RFC 6901 pointer; undefined where there is none. */
  find(pointer: string): JsonOffset | undefined {
    const { place, isThere } = this.#walk(pointer)
    return isThere ? { value: place.value, name: place.name } : undefined
  }

  /** Of the value at the pointer, or of what comes nearest above it. */
  nearest(pointer: string): JsonOffset {
    return this.#walk(pointer).place
  }

  #walk(pointer: string): { place: JsonPlace; isThere: boolean } {
    let place = this.#root
    for (const token of pointer.split('/').slice(1)) {
      const next = place.inner?.get(token.replaceAll('~1', '/').replaceAll('~0', '~'))
      if (next === undefined) return { place, isThere: false }
      place = next
    }
    return { place, isThere: true }
  }
}
