import { createFinding, type Finding, type FindingId, type FindingText } from '../../findings/finding.ts'
import { quoted } from '../../findings/quoted.ts'
import { pointerTo } from '../json/places.ts'
import type { JsonFaultKind } from '../json/scanner.ts'
import { type JsonObject, type JsonReading, type JsonValue, maximumTextLength } from '../json/source.ts'
import { kindOf } from '../json/value.ts'
import { noSourceMap, type SourceLayer, type SourceMap } from '../source-map.ts'
import { namedOnlyBy } from './config.ts'
import { disabledBy, hookOf, type TemplateHolder } from './holder.ts'
import type { TextKind } from './text-kind.ts'

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
  'yaml-syntax': 'yaml-syntax',
  'too-deep': 'nesting-too-deep',
  'too-large': 'text-too-large'
}

/** More than anybody reads. */
const maximumListed = 12

/** Collects what reading finds, with its place in the text that is being read. */
export class ReadingReport {
  readonly findings: Finding[] = []
  /** Of the text that is being read. */
  sourceMap: SourceMap = noSourceMap

  readonly add = (id: FindingId, text: FindingText): void => {
    this.findings.push(this.#find(id, text))
  }

  #find(id: FindingId, text: FindingText): Finding {
    return createFinding(id, { ...text, position: this.sourceMap.positionOf(text.pointer) })
  }

  /** The mistakes in a text. Wrong quotes come by the hundred: the first one stands for all. */
  addFaults({ faults }: JsonReading, layer: SourceLayer): void {
    for (const { kind, offset, pointer, expected, found } of faults) {
      const id = faultFindings[kind]
      const isQuote = kind === 'typographic-quotes' || kind === 'single-quotes'
      if (isQuote && this.findings.some(finding => finding.id === id)) continue
      const language = kind === 'yaml-syntax' ? 'The text looks like YAML. ' : ''
      const message = `${language}Expected ${expected}, found ${found}.`
      this.findings.push(
        createFinding(id, { pointer, position: layer.positionAt(offset), expected, found, message })
      )
    }
  }

  /** A text that is no template in any form. */
  textKind(kind: Exclude<TextKind, { kind: 'yaml' }>, layer: SourceLayer): void {
    this.sourceMap = { positionOf: () => layer.positionAt(0), positionInString: () => undefined }
    if (kind.kind === 'terraform') this.terraformText('')
    else {
      this.add('text-of-another-kind', {
        pointer: '',
        message: `The text looks like ${kind.name}, and not like a template.`,
        expected: 'JSON or YAML',
        found: kind.name
      })
    }
  }

  terraformText(pointer: string): void {
    this.add('terraform-source', {
      pointer,
      message: 'This is the language of Terraform, whose functions and values Terraform alone can fill in.',
      expected: 'what `terraform show -json` prints',
      found: 'Terraform'
    })
  }

  /** `isInside`: where AWS IoT is to read it. */
  yaml(isInside: boolean): void {
    this.add(isInside ? 'body-is-yaml' : 'template-is-yaml', {
      pointer: '',
      message: isInside ? 'The body is YAML.' : 'The template is written as YAML.',
      expected: 'JSON',
      found: 'YAML'
    })
  }

  unpacked({ pointer }: TemplateHolder, found: string): void {
    const message = `The template is read from ${found}.`
    this.add('template-unpacked', {
      pointer,
      message,
      expected: 'a template or a registration config',
      found
    })
  }

  /** A value that another tool is still to fill in; `origin` says where it takes it from. */
  openValue(pointer: string, name: string, origin: string): void {
    const message = `The template is not complete: ${quoted(name)} is ${origin}.`
    this.add('value-not-filled-in', { pointer, message, expected: 'a value', found: quoted(name) })
  }

  /** What functions make is longer than what is read. */
  textTooLarge(pointer: string): void {
    const message = `The body has more than ${maximumTextLength} characters.`
    this.add('text-too-large', { pointer, message, expected: `at most ${maximumTextLength}`, found: 'more' })
  }

  severalHolders(holders: readonly TemplateHolder[], pointer: string): void {
    const listed = holders.slice(0, maximumListed).map(({ name }) => quoted(name))
    const names = `${listed.join(', ')}${holders.length > maximumListed ? ' and more' : ''}`
    const message = `There are ${holders.length} provisioning templates here: ${names}.`
    this.add('templates-several', { pointer, message, expected: 'one, or one of type JITP', found: names })
  }

  bodyNotString(pointer: string, body: JsonValue): void {
    const name = pointer.slice(pointer.lastIndexOf('/') + 1)
    this.add('escaped-too-seldom', {
      pointer,
      message: `${name} is not a string: the template stands in the file unescaped.`,
      expected: 'a string that holds the template',
      found: kindOf(body)
    })
  }

  /** What the file says of the template as it is stored. @returns why it is one of fleet provisioning, if it is. */
  storedTemplate(holder: TemplateHolder): Finding | undefined {
    const [hook, disabled] = [hookOf(holder), disabledBy(holder)]
    if (disabled !== undefined) {
      const message = 'The stored template is not enabled.'
      const pointer = pointerTo(holder.pointer, disabled)
      this.add('stored-template-disabled', { pointer, message, expected: 'true', found: 'false' })
    }
    const isFleet = holder.type === 'FLEET_PROVISIONING'
    if (!isFleet && hook === undefined) return undefined
    return this.#find('stored-for-fleet', {
      pointer: isFleet || hook === undefined ? holder.pointer : pointerTo(holder.pointer, hook),
      message: isFleet
        ? 'The template is stored as one of type FLEET_PROVISIONING, which is what AWS takes where none is given.'
        : 'The template has a hook, which fleet provisioning alone has.',
      expected: 'the type JITP, and no hook',
      found: isFleet ? 'FLEET_PROVISIONING' : 'a hook'
    })
  }

  /** An object in which there is no template. */
  objectWithout(value: JsonObject, pointer: string): void {
    const named = namedOnlyBy(value)
    if (named === undefined) {
      const names = Object.keys(value).slice(0, 5).join(', ')
      this.notFound(pointer, `an object with ${names || 'no members'}`)
      return
    }
    const name = quoted(named.name)
    this.add('template-named-only', {
      pointer: pointerTo(pointer, named.member),
      message: `Only the name ${name} is given.`,
      expected: 'templateBody',
      found: name
    })
  }

  notFound(pointer: string, found: string): void {
    this.add('template-not-found', {
      pointer,
      message: `No provisioning template here, but ${found}.`,
      expected: 'Parameters and Resources',
      found
    })
  }
}
