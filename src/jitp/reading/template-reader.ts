import type { Finding } from '../findings/finding.ts'
import { quoted } from '../findings/finding.ts'
import { findInStack, isCloudFormationStack } from './forms/cloudformation.ts'
import { isCloudFormationCall, resolveText, type TextPiece } from './forms/cloudformation-value.ts'
import { type ConfigHolder, configMemberOf, readConfig, unknownMembersOf } from './forms/config.ts'
import { chooseHolder, type TemplateHolder } from './forms/holder.ts'
import { ReadingReport } from './forms/reading-report.ts'
import { findInTerraform, readTerraformText } from './forms/terraform.ts'
import { recogniseText } from './forms/text-kind.ts'
import { readYaml } from './forms/yaml-source.ts'
import type { JsonObject, JsonReading, JsonValue } from './json/source.ts'
import {
  isStringAt,
  maximumValues,
  pointerTo,
  readEscapedText,
  readJson,
  readStringLiteral
} from './json/source.ts'
import { isJsonObject, kindOf, toJsonValue } from './json/value.ts'
import { readRoleArn } from './role-arn.ts'
import type { SourceLayer, SourceMap } from './source-map.ts'
import { createInnerLayer, createSourceMap, createTextLayer } from './source-map.ts'

/** How the template was handed over: as such, as a JSON string of it, or inside something of AWS's or another tool's. */
export type TemplateForm = 'template' | 'string' | 'registration-config' | 'cloudformation' | 'terraform'

/** A provisioning template as it was given, unwrapped but not yet checked. */
export interface TemplateSource {
  /** Undefined when no template could be found; the findings say why. */
  readonly value: JsonObject | undefined
  readonly form: TemplateForm
  readonly roleArn: string | undefined
  /** The body as AWS would store it, where it was given as a string of JSON. */
  readonly bodyText: string | undefined
  /** Characters of the template as such, where it was given as a text of JSON. */
  readonly textLength: number | undefined
  readonly findings: readonly Finding[]
  /** What is around the template says that it is stored for fleet provisioning. */
  readonly storedForFleet: Finding | undefined
  readonly sourceMap: SourceMap
}

/** Layers of escaping that are looked through before giving up. */
const maximumLayers = 8

const toolNames = { cloudformation: 'CloudFormation', terraform: 'Terraform' } as const

/** The text that a value was read from. */
interface TextReading {
  readonly layer: SourceLayer
  readonly reading: JsonReading
  readonly isYaml: boolean
  /** For the string that starts at the offset, where each code unit of its value comes from. */
  readonly originsAt: (offset: number) => readonly number[] | undefined
  /** How many layers of escaping are around it. */
  readonly layers: number
}

/** Unwraps one input; see `readTemplateSource`. */
export class TemplateReader {
  readonly #report = new ReadingReport()
  #value: JsonObject | undefined
  #form: TemplateForm = 'template'
  #roleArn: string | undefined
  #bodyText: string | undefined
  #textLength: number | undefined
  #storedForFleet: Finding | undefined
  /** Layers taken off that AWS would not take off. */
  #surplusLayers = 0

  source(): TemplateSource {
    return {
      value: this.#value,
      form: this.#form,
      roleArn: this.#roleArn,
      bodyText: this.#bodyText,
      textLength: this.#textLength,
      findings: this.#report.findings,
      storedForFleet: this.#storedForFleet,
      sourceMap: this.#report.sourceMap
    }
  }

  readParsed(input: unknown): void {
    const value = toJsonValue(input, maximumValues)
    if (value === undefined) {
      this.#report.add('template-not-found', {
        pointer: '',
        message: `The value is not JSON, nests too deeply or has more than ${maximumValues} values.`,
        expected: 'JSON',
        found: typeof input
      })
    } else this.#unwrap(value, '')
  }

  readText(text: string): void {
    this.#readLayer(createTextLayer(text), 0)
  }

  #readLayer(layer: SourceLayer, layers: number): void {
    const { text } = layer
    const start = text.search(/[^\s\ufeff]/)
    if (/^[[{](?:\s|\\[nrt])*\\["“”]/.test(text.slice(Math.max(start, 0), start + 200))) {
      this.#surplusLayers += 1
      this.#readInner(layer, readEscapedText(text, start), layers)
      return
    }
    const kind = recogniseText(text)
    if (kind !== undefined && kind.kind !== 'yaml') this.#report.textKind(kind, layer)
    else this.#readReading(kind === undefined ? jsonReading(layer, layers) : yamlReading(layer, layers))
  }

  #readReading(text: TextReading): void {
    const { layer, reading, originsAt } = text
    this.#report.sourceMap = createSourceMap(layer, reading.places, originsAt)
    this.#report.addFaults(reading, layer)
    if (reading.value !== undefined) this.#unwrap(reading.value, '', text)
  }

  #unwrap(value: JsonValue, pointer: string, text?: TextReading): void {
    if (typeof value === 'string') this.#unwrapString(value, pointer, text)
    else if (isJsonObject(value)) this.#unwrapObject(value, pointer, text)
    else this.#report.notFound(pointer, kindOf(value))
  }

  #unwrapObject(value: JsonObject, pointer: string, text?: TextReading): void {
    const isOutside = this.#form === 'template' || this.#form === 'string'
    if (isOutside) {
      const stack = isCloudFormationStack(value) ? findInStack(value) : undefined
      const holders = stack ?? findInTerraform(value)
      if (holders !== undefined) {
        this.#form = stack === undefined ? 'terraform' : 'cloudformation'
        this.#chooseAmong(holders, pointer, text)
        return
      }
    }
    if (value.Resources !== undefined || value.Parameters !== undefined) {
      this.#acceptTemplate(value, pointer, text)
      return
    }
    const config = isOutside ? readConfig(value, pointer) : undefined
    const member = configMemberOf(value)
    if (config !== undefined) {
      // What `aws cloudformation get-template` prints is a stack in a member that is called the same.
      if (value.StagesAvailable !== undefined) this.#unwrap(value[config.body]!, `/${config.body}`, text)
      else this.#unwrapConfig(config, text)
    } else if (member !== undefined && isJsonObject(value[member])) {
      this.#unwrap(value[member], pointerTo(pointer, member), text)
    } else this.#report.objectWithout(value, pointer)
  }

  #acceptTemplate(value: JsonObject, pointer: string, text?: TextReading): void {
    this.#value = value
    const isBody = this.#form !== 'template' && pointer === ''
    if (text?.isYaml !== true) {
      if (isBody) this.#bodyText = text?.layer.text
      else if (pointer === '') this.#textLength = text?.layer.text.length
    }
    if (text?.isYaml === true && pointer === '') this.#report.yaml(isBody && this.#form !== 'string')
    const outer = this.#report.sourceMap
    if (pointer !== '') {
      this.#report.sourceMap = {
        positionOf: (inner, part) => outer.positionOf(pointer + inner, part),
        positionInString: (inner, index) => outer.positionInString(pointer + inner, index)
      }
    }
    if (this.#surplusLayers === 0) return
    const times = this.#surplusLayers === 1 ? 'once' : `${this.#surplusLayers} times`
    this.#report.add('escaped-too-often', {
      pointer: '',
      message: `The template is escaped ${times} too often.`,
      expected: this.#form === 'registration-config' ? 'a string that holds the template' : 'the template',
      found: 'a string inside a string'
    })
  }

  #unwrapString(value: string, pointer: string, text?: TextReading): void {
    const isBody = pointer !== '' && this.#surplusLayers === 0
    const layers = text?.layers ?? 0
    const isFirst = this.#form === 'template' && layers === 0
    if (isFirst) this.#form = 'string'
    if (text === undefined || text.reading.places.find(pointer) === undefined) {
      this.#readLayer(createTextLayer(value), layers + 1)
      return
    }
    if (!isFirst && !isBody) this.#surplusLayers += 1
    this.#readPieces([{ pointer, text: value, from: 0 }], text)
  }

  /** Reads what pieces of strings make together. */
  #readPieces(pieces: readonly TextPiece[], text?: TextReading): void {
    const value = pieces.map(piece => piece.text).join('')
    if (text === undefined) {
      this.#readLayer(createTextLayer(value), 1)
      return
    }
    const origins: number[] = []
    const ownOrigins = memoise(text.originsAt)
    let end = 0
    for (const piece of pieces) {
      const offset = text.reading.places.nearest(piece.pointer).value
      const own = piece.from === undefined ? undefined : ownOrigins(offset)
      for (let index = 0; index < piece.text.length; index += 1) {
        origins.push(own?.[(piece.from ?? 0) + index] ?? offset)
      }
      end = own?.[(piece.from ?? 0) + piece.text.length] ?? offset
    }
    origins.push(end)
    this.#readInner(text.layer, { value, origins }, text.layers)
  }

  #readInner(
    outer: SourceLayer,
    literal: { value: string; origins: readonly number[] },
    layers: number
  ): void {
    if (layers >= maximumLayers) this.#report.notFound('', `more than ${maximumLayers} layers of escaping`)
    else this.#readLayer(createInnerLayer(outer, literal.value, literal.origins), layers + 1)
  }

  #unwrapConfig(config: ConfigHolder, text?: TextReading): void {
    this.#form = 'registration-config'
    if (config.isRegistrationConfig) {
      for (const finding of unknownMembersOf(config))
        this.#report.add('registration-config-member-unknown', finding)
    }
    if (!config.isOfCli) this.#report.unpacked(config, `the member ${quoted(config.body)}`)
    this.#readHolder(config, text)
  }

  #chooseAmong(found: readonly TemplateHolder[], pointer: string, text?: TextReading): void {
    const tool = this.#form === 'terraform' ? toolNames.terraform : toolNames.cloudformation
    const holders = found.map(holder => ({ ...holder, pointer: pointer + holder.pointer }))
    const holder = chooseHolder(holders)
    if (holder !== undefined) {
      this.#report.unpacked(holder, `${quoted(holder.name)} of ${tool}`)
      this.#readHolder(holder, text)
    } else if (holders.length === 0) this.#report.notFound(pointer, `${tool} without a provisioning template`)
    else this.#report.severalHolders(holders, pointer)
  }

  #readHolder(holder: TemplateHolder, text?: TextReading): void {
    const { pointer, members, body: name } = holder
    this.#roleArn = readRoleArn(holder, this.#report.add)
    this.#storedForFleet = this.#report.storedTemplate(holder)
    const bodyPointer = pointerTo(pointer, name)
    const body = members[name]
    if (body === undefined || body === null) {
      this.#report.openValue(bodyPointer, name, 'not there: it is known once it is made')
    } else if (this.#form === 'cloudformation' && isCloudFormationCall(body)) {
      const { pieces, open, isTooLong } = resolveText(body, bodyPointer)
      for (const { pointer: place, name: value, origin } of open) this.#report.openValue(place, value, origin)
      if (isTooLong) this.#report.textTooLarge(bodyPointer)
      else if (open.length === 0) this.#readPieces(pieces, text)
    } else if (holder.isTerraformText === true && typeof body === 'string') {
      const pieces = readTerraformText(body, bodyPointer)
      if (pieces !== undefined) this.#readPieces(pieces, text)
      else this.#report.terraformText(bodyPointer)
    } else this.#readBody(body, bodyPointer, text)
  }

  #readBody(body: JsonValue, pointer: string, text?: TextReading): void {
    const wasReported = text?.reading.faults.some(
      fault => fault.kind === 'unescaped-quotes' && fault.pointer === pointer
    )
    if (typeof body !== 'string' && wasReported !== true) this.#report.bodyNotString(pointer, body)
    this.#unwrap(body, pointer, text)
  }
}

/** Many pieces can be of one string. */
function memoise<Value>(find: (offset: number) => Value): (offset: number) => Value {
  const known = new Map<number, Value>()
  return offset => {
    if (!known.has(offset)) known.set(offset, find(offset))
    return known.get(offset) as Value
  }
}

function jsonReading(layer: SourceLayer, layers: number): TextReading {
  const reading = readJson(layer.text)
  const originsAt = (offset: number) =>
    isStringAt(layer.text, offset) ? readStringLiteral(layer.text, offset).origins : undefined
  return { layer, reading, isYaml: false, originsAt, layers }
}

function yamlReading(layer: SourceLayer, layers: number): TextReading {
  const reading = readYaml(layer.text)
  return { layer, reading, isYaml: true, originsAt: reading.originsAt, layers }
}
