import type { SourcePosition } from '../findings/finding.ts'
import type { JsonPlaces } from './json/places.ts'

/** A text, and for each place in it the place in the text that was given. */
export interface SourceLayer {
  readonly text: string
  readonly positionAt: (offset: number) => SourcePosition
}

/** Finds the places of a template in the text it was read from; answers undefined where there was no text. */
export interface SourceMap {
  /** Of the value at `pointer`, of its member name, or of what comes nearest above it. */
  readonly positionOf: (pointer: string, part?: 'name' | 'value') => SourcePosition | undefined
  /** Of the UTF-16 code unit at `index` in the string value at `pointer`. */
  readonly positionInString: (pointer: string, index: number) => SourcePosition | undefined
}

export const noSourceMap: SourceMap = {
  positionOf: () => undefined,
  positionInString: () => undefined
}

/** The layer of the text itself. */
export function createTextLayer(text: string): SourceLayer {
  let lineStarts: number[] | undefined
  return {
    text,
    positionAt: offset => {
      lineStarts ??= findLineStarts(text)
      const line = countUpTo(lineStarts, offset)
      return { line, column: offset - (lineStarts[line - 1] ?? 0) + 1 }
    }
  }
}

/** The layer of a text that was escaped inside another one. `origins` has one more entry than `text` for its end. */
export function createInnerLayer(outer: SourceLayer, text: string, origins: readonly number[]): SourceLayer {
  const end = origins.at(-1) ?? 0
  return { text, positionAt: offset => outer.positionAt(origins[offset] ?? end) }
}

/**
 * `originsOf` answers, for the string whose text starts at an offset, where each UTF-16 code unit of it comes from;
 * undefined where no string starts.
 */
export function createSourceMap(
  layer: SourceLayer,
  places: JsonPlaces,
  originsOf: (offset: number) => readonly number[] | undefined
): SourceMap {
  const originsByPlace = new Map<number, readonly number[]>()
  const originsAt = (place: number) => {
    const origins = originsByPlace.get(place) ?? originsOf(place) ?? []
    originsByPlace.set(place, origins)
    return origins
  }
  return {
    positionOf: (pointer, part = 'value') => {
      const offset = places.nearest(pointer)
      return layer.positionAt(part === 'name' ? (offset.name ?? offset.value) : offset.value)
    },
    positionInString: (pointer, index) => {
      const { value } = places.nearest(pointer)
      return layer.positionAt(originsAt(value)[index] ?? value)
    }
  }
}

/** How many of the ascending numbers are not above `limit`. */
function countUpTo(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return low
}

function findLineStarts(text: string): number[] {
  const starts = [0]
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return starts
}
