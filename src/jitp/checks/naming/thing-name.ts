import { quoted } from '../../findings/finding.ts'
import {
  certificateIdParameter,
  serialNumberParameter,
  subjectFieldOf
} from '../../template/certificate-parameter.ts'
import type { Expression, ListExpression } from '../../template/expression.ts'
import type { TemplateOptions } from '../../template/options.ts'
import type { CheckContext } from '../context.ts'
import { longestMatch } from './pattern-length.ts'

/**
 * The client token of the jobs topics has 64 characters at most, and AWS's OTA agent for FreeRTOS makes it of a counter of
 * up to ten digits, a colon and the thing name. Source: ota-for-aws-iot-embedded-sdk, issues 456 and 460.
 */
const longestForJobs = 53
const certificateIdLength = 64
/** RFC 5280 section 4.1.2.2: 20 octets, in decimal. */
const serialNumberLength = 49

/** Reports a thing name that AWS IoT takes and that other parts of AWS stumble over later. */
export function checkNameForLater(name: Expression, context: CheckContext): void {
  const { options, report } = context
  const { length, texts } = new NameExtent(context).of(name)
  if (length > longestForJobs) {
    report.add('thing-name-long', {
      pointer: name.pointer,
      message: `Thing names can have ${length} characters.`,
      expected: `at most ${longestForJobs}`,
      found: String(length)
    })
  }
  const withColon = texts.find(text => text.includes(':'))
  if (withColon === undefined) return
  const from =
    options.subjectCouldBe === undefined ? '' : ', by the template or the values that the profile allows'
  report.add('thing-name-colon', {
    pointer: name.pointer,
    message: `Thing names can have a colon${from}.`,
    expected: 'letters, digits, `_` `-`',
    found: quoted(withColon)
  })
}

/** The most that is known of a name: how long it can get, where that is known, and texts that can be in it. */
interface Extent {
  readonly length: number
  readonly texts: readonly string[]
}

const nothingKnown: Extent = { length: 0, texts: [] }

class NameExtent {
  readonly #options: TemplateOptions
  readonly #template: CheckContext['template']

  constructor({ options, template }: CheckContext) {
    this.#options = options
    this.#template = template
  }

  /** Recursion ends, and parts that stand in several places are few: what is too large was refused before. */
  of(part: Expression | ListExpression): Extent {
    switch (part.kind) {
      case 'literal':
        return { length: part.value.length, texts: [part.value] }
      case 'ref':
        return this.#ofParameter(part.name)
      case 'join': {
        if (part.list.kind !== 'list') return nothingKnown
        const between = part.delimiter.length * Math.max(0, part.list.items.length - 1)
        const { length, texts } = this.of(part.list)
        return { length: length + between, texts: between > 0 ? [...texts, part.delimiter] : texts }
      }
      case 'sub':
        return sumOf(part.pieces.map(piece => this.of(piece)))
      case 'list':
        return sumOf(part.items.map(item => this.of(item)))
      case 'select': {
        const item =
          part.list.kind === 'list' && part.index.kind === 'literal'
            ? part.list.items[Number(part.index.value)]
            : undefined
        return item === undefined ? nothingKnown : this.of(item)
      }
      case 'find-in-map': {
        const [top, second] = [part.top, part.second]
        if (top.kind !== 'literal' || second.kind !== 'literal') return nothingKnown
        const text = this.#template.mappings?.get(part.map)?.get(top.value)?.get(second.value)
        return text === undefined ? nothingKnown : { length: text.length, texts: [text] }
      }
      case 'split':
        return nothingKnown
    }
  }

  #ofParameter(name: string): Extent {
    if (name === certificateIdParameter) return { length: certificateIdLength, texts: [] }
    const isCertificateSerial =
      name === serialNumberParameter && this.#options.serialNumberSource === 'certificate'
    if (isCertificateSerial) return { length: serialNumberLength, texts: [] }
    const field = subjectFieldOf(name)
    const rule = field === undefined ? undefined : this.#options.subjectCouldBe?.(field)
    if (rule?.values !== undefined) {
      return { length: Math.max(...rule.values.map(value => value.length)), texts: rule.values }
    }
    return { length: longestMatch(rule?.pattern ?? '.*') ?? 0, texts: [] }
  }
}

function sumOf(extents: readonly Extent[]): Extent {
  const length = extents.reduce((sum, extent) => sum + extent.length, 0)
  return { length, texts: extents.flatMap(({ texts }) => texts) }
}
