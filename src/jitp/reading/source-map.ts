import type { SourcePosition } from '../findings/finding.ts'
import type { JsonOffset } from './json-source.ts'
import { readStringLiteral } from './json-source.ts'

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
      const index = lineStarts.findLastIndex(start => start <= offset)
      return { line: index + 1, column: offset - (lineStarts[index] ?? 0) + 1 }
    }
  }
}

/** The layer of a text that was escaped inside another one. `origins` has one more entry than `text` for its end. */
export function createInnerLayer(outer: SourceLayer, text: string, origins: readonly number[]): SourceLayer {
  const end = origins.at(-1) ?? 0
  return { text, positionAt: offset => outer.positionAt(origins[offset] ?? end) }
}

export function createSourceMap(layer: SourceLayer, offsets: ReadonlyMap<string, JsonOffset>): SourceMap {
  return {
    positionOf: (pointer, part = 'value') => {
      const offset = nearestOffset(offsets, pointer)
      return layer.positionAt(part === 'name' ? (offset.name ?? offset.value) : offset.value)
    },
    positionInString: (pointer, index) => {
      const { value } = nearestOffset(offsets, pointer)
      if (layer.text.charAt(value) !== '"') return layer.positionAt(value)
      return layer.positionAt(readStringLiteral(layer.text, value).origins[index] ?? value)
    }
  }
}

function nearestOffset(offsets: ReadonlyMap<string, JsonOffset>, pointer: string): JsonOffset {
  let current = pointer
  for (;;) {
    const offset = offsets.get(current)
    if (offset !== undefined) return offset
    if (current === '') return { value: 0, name: undefined }
    current = current.slice(0, current.lastIndexOf('/'))
  }
}

function findLineStarts(text: string): number[] {
  const starts = [0]
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return starts
}
