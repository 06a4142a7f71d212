import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  parseDocument,
  type YAMLMap
} from 'yaml'
import { quoted } from '../../findings/quoted.ts'
import { addPlace, type JsonPlace, JsonPlaces, pointerOf } from '../json/places.ts'
import type { JsonFault, JsonFaultKind } from '../json/scanner.ts'
import {
  type JsonObject,
  type JsonReading,
  type JsonValue,
  maximumDepth,
  maximumTextLength,
  maximumValues
} from '../json/source.ts'
import { traceScalar } from './yaml-scalar.ts'
import { measureYaml } from './yaml-size.ts'

/** JSON that was written as YAML. */
export interface YamlReading extends JsonReading {
  /** For the scalar that starts at the offset: where each UTF-16 code unit of its value comes from, and its end. */
  readonly originsAt: (offset: number) => readonly number[] | undefined
}

/** The functions of CloudFormation that are not named `Fn::` in full. */
const plainTags: ReadonlySet<string> = new Set(['Ref', 'Condition'])

/**
 * Reads YAML 1.2 (core schema) as the JSON that it stands for, with the short tags of CloudFormation (`!Sub`) written
 * out. Never throws. Values behind aliases count as often as they stand in the result, so that text, values and depth
 * are bounded as those of JSON are; members named twice and keys that are no texts are faults.
 */
export function readYaml(text: string): YamlReading {
  return new YamlReader(text).read()
}

class Stopped extends Error {}

class YamlReader {
  readonly #text: string
  readonly #faults: JsonFault[] = []
  readonly #anchors = new Map<string, ParsedNode>()
  readonly #scalars = new Map<number, { readonly value: string; readonly end: number }>()
  #values = 0
  /** Of texts and names, those behind aliases counted each time. */
  #characters = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): YamlReading {
    const root: JsonPlace = { value: 0, name: undefined, parent: undefined, token: '' }
    let value: JsonValue | undefined
    try {
      value = this.#document(root)
    } catch (error) {
      if (!(error instanceof Stopped)) throw error
    }
    return {
      value,
      faults: this.#faults,
      places: new JsonPlaces(root),
      originsAt: offset => {
        const scalar = this.#scalars.get(offset)
        return scalar && traceScalar(this.#text.slice(0, scalar.end), offset, scalar.value)
      }
    }
  }

  #document(root: JsonPlace): JsonValue {
    this.#checkSize()
    const document = parseDocument(this.#text, {
      uniqueKeys: false,
      logLevel: 'error',
      prettyErrors: false,
      merge: false,
      schema: 'core'
    })
    const [error] = document.errors
    if (error !== undefined) {
      const found = error.message.split('\n')[0] ?? error.code
      this.#stop('yaml-syntax', error.pos[0], { expected: 'YAML', found })
    }
    return document.contents === null ? null : this.#value(document.contents, root, 0)
  }

  #checkSize(): void {
    const { length } = this.#text
    if (length > maximumTextLength) {
      this.#stop('too-large', 0, { expected: `at most ${maximumTextLength} characters`, found: `${length}` })
    }
    const { excess, offset } = measureYaml(this.#text)
    if (excess === undefined) return
    const { kind, ...mismatch } = excess
    this.#stop(kind, offset, mismatch)
  }

  #value(node: ParsedNode, place: JsonPlace, depth: number): JsonValue {
    if (++this.#values > maximumValues)
      this.#stop('too-large', node.range[0], { expected: `at most ${maximumValues} values`, found: 'more' })
    if (depth > maximumDepth)
      this.#stop('too-deep', node.range[0], { expected: `at most ${maximumDepth} levels`, found: 'more' })
    place.value = node.range[0]
    if (isAlias(node)) return this.#aliased(node.source, place, depth)
    if ('anchor' in node && node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    const name = functionOf(node.tag)
    if (name === undefined) return this.#plainValue(node, place, depth)
    const call = Object.create(null) as Record<string, JsonValue>
    const inner = addPlace(place, name, node.range[0])
    inner.value = node.range[0]
    call[name] = this.#plainValue(node, inner, depth + 1)
    return call
  }

  #aliased(anchor: string, place: JsonPlace, depth: number): JsonValue {
    const node = this.#anchors.get(anchor)
    if (node !== undefined) return this.#value(node, place, depth + 1)
    return this.#stop('yaml-syntax', place.value, {
      expected: 'an alias of what stands above',
      found: quoted(anchor)
    })
  }

  #plainValue(node: Exclude<ParsedNode, { type: 'alias' }>, place: JsonPlace, depth: number): JsonValue {
    if (isMap(node)) return this.#object(node, place, depth)
    if (isSeq(node)) {
      const items = node.items as readonly ParsedNode[]
      return items.map((item, index) => this.#value(item, addPlace(place, index), depth + 1))
    }
    if (!isScalar(node)) return null
    const { value, source = '', range } = node
    this.#count(source, range[0])
    if (typeof value === 'string') this.#scalars.set(range[0], { value, end: range[1] })
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    return typeof value === 'number' && Number.isFinite(value) ? value : source
  }

  #object(map: YAMLMap.Parsed, place: JsonPlace, depth: number): JsonObject {
    const members = Object.create(null) as Record<string, JsonValue>
    for (const { key, value } of map.items as readonly Pair<ParsedNode, ParsedNode | null>[]) {
      const [nameOffset] = key.range
      if (!isScalar(key)) {
        this.#stop('yaml-syntax', nameOffset, { expected: 'a name', found: 'a collection as a name' })
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? '')
      this.#count(name, nameOffset)
      const member = addPlace(place, name, nameOffset)
      member.value = nameOffset
      if (Object.hasOwn(members, name)) {
        const found = `a second ${quoted(name)}`
        this.#fault('duplicate-name', nameOffset, { expected: 'each name once', found, place: member })
      }
      members[name] = value === null ? null : this.#value(value, member, depth + 1)
    }
    return members
  }

  #count(text: string, offset: number): void {
    this.#characters += text.length
    if (this.#characters <= maximumTextLength) return
    this.#stop('too-large', offset, { expected: `at most ${maximumTextLength} characters`, found: 'more' })
  }

  #fault(
    kind: JsonFaultKind,
    offset: number,
    { expected, found, place }: { expected: string; found: string; place?: JsonPlace }
  ): void {
    if (this.#faults.length >= 20) return
    this.#faults.push({ kind, offset, pointer: place === undefined ? '' : pointerOf(place), expected, found })
  }

  #stop(kind: JsonFaultKind, offset: number, mismatch: { expected: string; found: string }): never {
    this.#fault(kind, offset, mismatch)
    throw new Stopped()
  }
}

/** `!Sub` is `Fn::Sub`, `!Ref` is `Ref`. Undefined for the tags of YAML itself and where there is none. */
function functionOf(tag: string | undefined): string | undefined {
  const name = /^!([A-Za-z]\w*)$/.exec(tag ?? '')?.[1]
  return name === undefined || plainTags.has(name) ? name : `Fn::${name}`
}
