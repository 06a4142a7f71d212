import { pointerTo } from '../json/places.ts'
import { type JsonObject, type JsonValue, maximumTextLength } from '../json/source.ts'
import { isJsonList, isJsonObject, kindOf } from '../json/value.ts'

/** A piece of a text: a part of the string at `pointer`, or what was made of the value there. */
export interface TextPiece {
  readonly pointer: string
  readonly text: string
  /** Where it starts in the string at `pointer`; undefined where it was made. */
  readonly from: number | undefined
}

/** Something that only CloudFormation knows. */
interface OpenValue {
  readonly pointer: string
  /** As the file has it, such as `Ref P` or `${AWS::Region}`. */
  readonly name: string
  /** Where CloudFormation takes it from. */
  readonly origin: string
}

export interface CloudFormationText {
  readonly pieces: readonly TextPiece[]
  /** Empty where the text is known; the first twelve. */
  readonly open: readonly OpenValue[]
  /** Whether it is longer than what is read. */
  readonly isTooLong: boolean
}

const maximumOpen = 12
/** In characters: as many values as a text may have, and as many pieces again, end it. */
const costOfValue = 16
const costOfPiece = 8

/** Whether an object is a call of a function of CloudFormation, and of nothing else. */
export function isCloudFormationCall(value: JsonValue | undefined): value is JsonObject {
  if (!isJsonObject(value)) return false
  const [name, ...more] = Object.keys(value)
  return more.length === 0 && (name === 'Ref' || name?.startsWith('Fn::') === true)
}

/**
 * The text that CloudFormation makes of a value, as far as that follows from the file: strings, Fn::Join of them, Fn::Sub
 * whose variables are written out, Fn::ToJsonString. The rest is named. Functions within functions multiply, so that
 * resolving ends where the text gets longer than what is read.
 */
export function resolveText(value: JsonValue | undefined, pointer: string): CloudFormationText {
  const resolver = new Resolver()
  resolver.resolve(value, pointer)
  return resolver
}

class Resolver implements CloudFormationText {
  readonly pieces: TextPiece[] = []
  readonly open: OpenValue[] = []
  /** Of what is still looked at: characters, and what a value or a piece costs besides. */
  #left = maximumTextLength

  get isTooLong(): boolean {
    return this.#left < 0
  }

  /** Recursion ends: no value that is read nests deeper than 64 levels. */
  resolve(value: JsonValue | undefined, pointer: string): void {
    if (typeof value === 'string') {
      this.#take({ pointer, text: value, from: 0 })
      return
    }
    if (!this.#spend(costOfValue)) return
    if (!isCloudFormationCall(value)) {
      this.#leaveOpen({ pointer, name: kindOf(value), origin: 'where CloudFormation wants a text' })
      return
    }
    for (const [name, argument] of Object.entries(value)) {
      const inner = pointerTo(pointer, name)
      if (name === 'Fn::Join') this.#join(argument, inner)
      else if (name === 'Fn::Sub') this.#substitute(argument, inner)
      else if (name === 'Fn::ToJsonString') this.#stringify(argument, inner)
      else this.#leaveOpen(openCall(name, argument, pointer))
    }
  }

  #join(value: JsonValue, pointer: string): void {
    const [delimiter, items] = isJsonList(value) ? value : []
    if (typeof delimiter !== 'string' || !isJsonList(items)) {
      this.#leaveOpen({ pointer, name: 'Fn::Join', origin: 'of a list that is not written out' })
      return
    }
    const [between, list] = [pointerTo(pointer, 0), pointerTo(pointer, 1)]
    for (const [index, item] of items.entries()) {
      if (this.isTooLong) return
      if (index > 0 && delimiter !== '') this.#take({ pointer: between, text: delimiter, from: 0 })
      this.resolve(item, pointerTo(list, index))
    }
  }

  #substitute(value: JsonValue, pointer: string): void {
    const [text, given] = isJsonList(value) ? [value[0], value[1]] : [value, undefined]
    const textPointer = isJsonList(value) ? pointerTo(pointer, 0) : pointer
    if (typeof text !== 'string') {
      this.#leaveOpen({ pointer, name: 'Fn::Sub', origin: 'of a text that is not written out' })
      return
    }
    let from = 0
    for (const { 0: whole, 1: variable = '', index } of text.matchAll(/\$\{([^{}]*)\}/g)) {
      if (!this.#take({ pointer: textPointer, text: text.slice(from, index), from })) return
      from = index + whole.length
      const own: JsonValue | undefined =
        isJsonObject(given) && Object.hasOwn(given, variable) ? given[variable] : undefined
      if (variable.startsWith('!')) {
        // `${!Name}` is how CloudFormation writes `${Name}`.
        this.#take({ pointer: textPointer, text: '${', from: index })
        this.#take({ pointer: textPointer, text: `${variable.slice(1)}}`, from: index + 3 })
      } else if (own !== undefined) this.resolve(own, pointerTo(pointerTo(pointer, 1), variable))
      else this.#leaveOpen(openVariable(variable, textPointer))
    }
    this.#take({ pointer: textPointer, text: text.slice(from), from })
  }

  #stringify(value: JsonValue, pointer: string): void {
    this.#leaveOpenIn(value, pointer)
    this.#take({ pointer, text: JSON.stringify(value), from: undefined })
  }

  #leaveOpenIn(value: JsonValue, pointer: string): void {
    if (!this.#spend(costOfValue)) return
    if (isJsonList(value)) {
      for (const [index, item] of value.entries()) this.#leaveOpenIn(item, pointerTo(pointer, index))
      return
    }
    if (!isJsonObject(value)) return
    const isCall = isCloudFormationCall(value)
    for (const [name, member] of Object.entries<JsonValue>(value)) {
      if (isCall) this.#leaveOpen(openCall(name, member, pointer))
      else this.#leaveOpenIn(member, pointerTo(pointer, name))
    }
  }

  #leaveOpen(value: OpenValue): void {
    const isKnown = this.open.some(({ pointer, name }) => pointer === value.pointer && name === value.name)
    if (!isKnown && this.open.length < maximumOpen) this.open.push(value)
  }

  #take(piece: TextPiece): boolean {
    const isWithin = this.#spend(piece.text.length + costOfPiece)
    if (isWithin && piece.text !== '') this.pieces.push(piece)
    return isWithin
  }

  #spend(cost: number): boolean {
    this.#left -= cost
    return this.#left >= 0
  }
}

function openCall(name: string, argument: JsonValue, pointer: string): OpenValue {
  if (typeof argument === 'string') {
    const origin = name === 'Ref' ? originOf(argument) : 'which CloudFormation evaluates'
    return { pointer, name: `${name} ${argument}`, origin }
  }
  const words = isJsonList(argument) ? argument.filter(word => typeof word === 'string') : []
  const shown = name === 'Fn::GetAtt' ? ` ${words.join('.')}` : ''
  return { pointer, name: `${name}${shown}`, origin: 'which CloudFormation evaluates' }
}

function openVariable(variable: string, pointer: string): OpenValue {
  const name = `\${${variable}}`
  // CloudFormation refuses the stack: it looks for a resource of that name.
  if (/^(?:iot|aws):/.test(variable)) {
    return { pointer, name, origin: `a policy variable, which Fn::Sub leaves alone only as \${!${variable}}` }
  }
  return { pointer, name, origin: originOf(variable) }
}

function originOf(name: string): string {
  if (name.startsWith('AWS::IoT::'))
    return 'a parameter of the provisioning template, which CloudFormation does not know'
  if (name.startsWith('AWS::')) return 'a pseudo parameter of the stack'
  return name.includes('.') ? 'an attribute of another resource' : 'a parameter or resource of the stack'
}
