import type { Finding, FindingDetail, FindingId, FindingText } from '../findings/finding.ts'
import { createFinding, quoted } from '../findings/finding.ts'
import type { JsonFault, JsonFaultKind } from './json-scanner.ts'
import type { JsonObject, JsonReading, JsonValue } from './json-source.ts'
import { maximumValues, pointerTo, readEscapedText, readJson, readStringLiteral } from './json-source.ts'
import { isJsonObject, kindOf, toJsonValue } from './json-value.ts'
import { readRoleArn } from './role-arn.ts'
import type { SourceLayer, SourceMap } from './source-map.ts'
import { createInnerLayer, createSourceMap, createTextLayer, noSourceMap } from './source-map.ts'

/** How the template was handed over: as such, as a JSON string of it, or inside a registration config. */
export type TemplateForm = 'template' | 'string' | 'registration-config'

/** A provisioning template as it was given, unwrapped but not yet checked. */
export interface TemplateSource {
  /** Undefined when no template could be found; the findings say why. */
  readonly value: JsonObject | undefined
  readonly form: TemplateForm
  readonly roleArn: string | undefined
  /** The body as AWS would store it, where it was given as a string. */
  readonly bodyText: string | undefined
  readonly findings: readonly Finding[]
  readonly sourceMap: SourceMap
}

/** Layers of escaping that are looked through before giving up. */
const maximumLayers = 8

const faultFindings: Readonly<Record<JsonFaultKind, FindingId>> = {
  syntax: 'json-syntax',
  'duplicate-name': 'json-duplicate-name',
  'trailing-comma': 'json-trailing-comma',
  comment: 'json-comment',
  'typographic-quotes': 'typographic-quotes',
  'single-quotes': 'single-quotes',
  'control-character': 'json-control-character',
  'foreign-space': 'json-foreign-space',
  'bad-escape': 'json-bad-escape',
  'unescaped-quotes': 'escaped-too-seldom',
  'byte-order-mark': 'byte-order-mark',
  'too-deep': 'nesting-too-deep',
  'too-large': 'text-too-large'
}

/**
 * Finds the template in what was pasted or posted: the template itself, its body as text or as a JSON string, or
 * a registration config around it; text or parsed JSON; escaped however often. Never throws: what is wrong comes
 * back as findings. Positions refer to the text, or, in parsed JSON, to the string that holds the body.
 */
export function readTemplateSource(input: unknown): TemplateSource {
  const reader = new TemplateReader()
  if (typeof input === 'string') reader.readText(createTextLayer(input))
  else reader.readParsed(input)
  return reader.source()
}

/** The finding for a mistake in a JSON text. */
function findingOfFault(fault: JsonFault, detail: Pick<FindingDetail, 'pointer' | 'position'>): Finding {
  return createFinding(faultFindings[fault.kind], {
    ...detail,
    expected: fault.expected,
    found: fault.found,
    message: `Expected ${fault.expected}, found ${fault.found}.`
  })
}

/** The text that a value was read from. */
interface TextReading {
  readonly layer: SourceLayer
  readonly reading: JsonReading
  /** How many layers of escaping are around it. */
  readonly layers: number
}

class TemplateReader {
  readonly #findings: Finding[] = []
  #value: JsonObject | undefined
  #form: TemplateForm = 'template'
  #roleArn: string | undefined
  #bodyText: string | undefined
  #sourceMap: SourceMap = noSourceMap
  /** Layers taken off that AWS would not take off. */
  #surplusLayers = 0

  source(): TemplateSource {
    return {
      value: this.#value,
      form: this.#form,
      roleArn: this.#roleArn,
      bodyText: this.#bodyText,
      findings: this.#findings,
      sourceMap: this.#sourceMap
    }
  }

  readParsed(input: unknown): void {
    const value = toJsonValue(input, maximumValues)
    if (value === undefined) {
      this.#report('template-not-found', {
        pointer: '',
        message: `The value is not JSON, nests too deeply or has more than ${maximumValues} values.`,
        expected: 'JSON',
        found: typeof input
      })
    } else this.#unwrap(value, '')
  }

  readText(layer: SourceLayer, layers = 0): void {
    const start = layer.text.search(/[^\s\ufeff]/)
    if (/^[[{](?:\s|\\[nrt])*\\["“”]/.test(layer.text.slice(Math.max(start, 0), start + 200))) {
      this.#surplusLayers += 1
      this.#readInner(layer, readEscapedText(layer.text, start), layers)
      return
    }
    const reading = readJson(layer.text)
    this.#sourceMap = createSourceMap(layer, reading.places)
    this.#reportFaults(reading, layer)
    if (reading.value !== undefined) this.#unwrap(reading.value, '', { layer, reading, layers })
  }

  #unwrap(value: JsonValue, pointer: string, text?: TextReading): void {
    if (typeof value === 'string') this.#unwrapString(value, pointer, text)
    else if (!isJsonObject(value)) this.#reportNotFound(pointer, kindOf(value))
    else if (value.Resources !== undefined || value.Parameters !== undefined)
      this.#acceptTemplate(value, pointer, text)
    else if (value.templateBody !== undefined && this.#form !== 'registration-config') {
      this.#unwrapConfig(value, pointer, text)
    } else if (isJsonObject(value.registrationConfig)) {
      this.#unwrap(value.registrationConfig, pointerTo(pointer, 'registrationConfig'), text)
    } else if (typeof value.templateName === 'string') {
      const name = quoted(value.templateName)
      this.#report('template-named-only', {
        pointer: pointerTo(pointer, 'templateName'),
        message: `Only the name ${name} is given.`,
        expected: 'templateBody',
        found: name
      })
    } else
      this.#reportNotFound(
        pointer,
        `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'no members'}`
      )
  }

  #acceptTemplate(value: JsonObject, pointer: string, text?: TextReading): void {
    this.#value = value
    if (this.#form !== 'template' && pointer === '') this.#bodyText = text?.layer.text
    const outer = this.#sourceMap
    if (pointer !== '') {
      this.#sourceMap = {
        positionOf: (inner, part) => outer.positionOf(pointer + inner, part),
        positionInString: (inner, index) => outer.positionInString(pointer + inner, index)
      }
    }
    if (this.#surplusLayers === 0) return
    const times = this.#surplusLayers === 1 ? 'once' : `${this.#surplusLayers} times`
    this.#report('escaped-too-often', {
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
    const offset = text?.reading.places.find(pointer)?.value
    if (text === undefined || offset === undefined) {
      this.readText(createTextLayer(value), layers + 1)
      return
    }
    if (!isFirst && !isBody) this.#surplusLayers += 1
    this.#readInner(text.layer, readStringLiteral(text.layer.text, offset), layers)
  }

  #readInner(
    outer: SourceLayer,
    literal: { value: string; origins: readonly number[] },
    layers: number
  ): void {
    if (layers >= maximumLayers) this.#reportNotFound('', `more than ${maximumLayers} layers of escaping`)
    else this.readText(createInnerLayer(outer, literal.value, literal.origins), layers + 1)
  }

  #unwrapConfig(config: JsonObject, pointer: string, text?: TextReading): void {
    this.#form = 'registration-config'
    this.#roleArn = readRoleArn(config, pointer, (id, finding) => {
      this.#report(id, finding)
    })
    const bodyPointer = pointerTo(pointer, 'templateBody')
    const body = config.templateBody
    const wasReported = text?.reading.faults.some(
      fault => fault.kind === 'unescaped-quotes' && fault.pointer === bodyPointer
    )
    if (typeof body !== 'string' && wasReported !== true) {
      this.#report('escaped-too-seldom', {
        pointer: bodyPointer,
        message: 'templateBody is not a string: the template stands in the file unescaped.',
        expected: 'a string that holds the template',
        found: kindOf(body)
      })
    }
    if (body !== undefined) this.#unwrap(body, bodyPointer, text)
  }

  /** Wrong quotes come by the hundred: the first one stands for all. */
  #reportFaults(reading: JsonReading, layer: SourceLayer): void {
    for (const fault of reading.faults) {
      const finding = findingOfFault(fault, {
        pointer: fault.pointer,
        position: layer.positionAt(fault.offset)
      })
      const isQuote = fault.kind === 'typographic-quotes' || fault.kind === 'single-quotes'
      if (isQuote && this.#findings.some(({ id }) => id === finding.id)) continue
      this.#findings.push(finding)
    }
  }

  #reportNotFound(pointer: string, found: string): void {
    this.#report('template-not-found', {
      pointer,
      message: `No provisioning template here, but ${found}.`,
      expected: 'Parameters and Resources',
      found
    })
  }

  #report(id: FindingId, text: FindingText): void {
    const position = this.#sourceMap.positionOf(text.pointer)
    this.#findings.push(createFinding(id, { ...text, position }))
  }
}
