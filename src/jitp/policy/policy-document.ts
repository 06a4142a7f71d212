import { quoted } from '../findings/finding.ts'
import type { JsonObject, JsonReading, JsonValue } from '../reading/json/source.ts'
import { pointerTo, readJson } from '../reading/json/source.ts'
import { isJsonList, isJsonObject, kindOf } from '../reading/json/value.ts'
import { checkConditions } from './condition-checks.ts'
import { type DocumentProblem, DocumentReport, type DocumentText } from './document-report.ts'
import { createEffort, variablesOf } from './matching/pattern.ts'
import type { PolicySurroundings } from './matching/resource.ts'
import { isThingVariable } from './reference/policy-variables.ts'
import { checkMembers, describe, parseStatement, type PolicyStatement } from './statement.ts'
import { checkStatement } from './statement-checks.ts'
import { checkText, textsOf } from './text-checks.ts'

const maximumDocumentLength = 2048

/** What a policy document says, as far as what a device may do depends on it. */
export interface DocumentExamination {
  readonly problems: readonly DocumentProblem[]
  readonly statements: readonly PolicyStatement[]
  /** Whether it uses policy variables or condition keys of the thing that the connection belongs to. */
  readonly usesThingVariables: boolean
  /** Finds the place of one more problem. */
  readonly locate: (id: DocumentProblem['id'], text: DocumentText) => DocumentProblem
}

const documentMembers = ['Version', 'Id', 'Statement']
const languageVersion = '2012-10-17'

/** Examines the text of an AWS IoT policy document. Never throws. */
export function examinePolicyDocument(
  text: string,
  surroundings: PolicySurroundings = { place: {}, hasThing: true, effort: createEffort() }
): DocumentExamination {
  return new DocumentExaminer(text, surroundings).examine()
}

class DocumentExaminer {
  readonly #text: string
  readonly #reading: JsonReading
  readonly #report: DocumentReport
  readonly #surroundings: PolicySurroundings

  constructor(text: string, surroundings: PolicySurroundings) {
    this.#text = text
    this.#reading = readJson(text)
    this.#report = new DocumentReport(text, this.#reading.places)
    this.#surroundings = surroundings
  }

  examine(): DocumentExamination {
    const length = this.#text.replaceAll(/\s+/g, '').length
    if (length > maximumDocumentLength) {
      this.#report.add('policy-document-too-long', {
        pointer: '',
        message: `The policy document has ${length} characters without spaces.`,
        expected: `at most ${maximumDocumentLength}`,
        found: String(length)
      })
    }
    // A text without end is not looked at any closer; four times the limit is far more than a slip of the pen.
    const statements = length > 4 * maximumDocumentLength || this.#isEscaped() ? [] : this.#statements()
    return {
      problems: this.#report.problems,
      statements,
      usesThingVariables: statements.some(usesThingVariables),
      locate: (id, text) => this.#report.locate(id, text)
    }
  }

  #isEscaped(): boolean {
    const isLiteral = typeof this.#reading.value === 'string'
    if (!isLiteral && !/^\s*\{\s*\\/.test(this.#text)) return false
    this.#report.add('policy-document-escaped-too-often', {
      pointer: '',
      message: 'The policy document is escaped once too often.',
      expected: 'a JSON object',
      found: 'escaped JSON'
    })
    return true
  }

  #statements(): readonly PolicyStatement[] {
    this.#reportFaults()
    const document = this.#reading.value
    if (document === undefined) return []
    if (!isJsonObject(document)) {
      this.#report.invalid('', 'a policy document', kindOf(document))
      return []
    }
    checkMembers({ value: document, pointer: '', known: documentMembers }, this.#report)
    for (const text of textsOf(document)) checkText(text, this.#surroundings.hasThing, this.#report)
    if (document.Version !== languageVersion)
      this.#report.invalid('/Version', `Version "${languageVersion}"`, describe(document.Version))
    const list = statementsOf(document)
    if (list.length === 0) this.#report.invalid('/Statement', 'at least one statement', 'none')
    checkSids(list, this.#report)
    return list.flatMap(source => this.#statement(source))
  }

  #reportFaults(): void {
    const quotes = this.#reading.faults.find(fault => fault.kind === 'typographic-quotes')
    for (const fault of this.#reading.faults) {
      if (fault.kind === 'typographic-quotes' && fault !== quotes) continue
      const { expected, found, offset } = fault
      const id = fault === quotes ? 'typographic-quotes' : 'policy-document-not-json'
      const message = `The policy document is not JSON: expected ${expected}, found ${found}.`
      this.#report.addAt(id, offset, { message, expected, found })
    }
  }

  #statement(source: StatementSource): readonly PolicyStatement[] {
    const statement = parseStatement(source, this.#surroundings, this.#report)
    if (statement === undefined) return []
    checkStatement(statement, this.#surroundings, this.#report)
    checkConditions(statement, this.#surroundings.hasThing, this.#report)
    return [statement]
  }
}

interface StatementSource {
  readonly value: JsonValue | undefined
  readonly pointer: string
}

function statementsOf({ Statement: value }: JsonObject): readonly StatementSource[] {
  if (!isJsonList(value)) return [{ value, pointer: '/Statement' }]
  return value.map((item, index) => ({ value: item, pointer: pointerTo('/Statement', index) }))
}

function checkSids(statements: readonly StatementSource[], report: DocumentReport): void {
  const seen = new Set<string>()
  for (const { value, pointer } of statements) {
    const sid = isJsonObject(value) ? value.Sid : undefined
    if (typeof sid !== 'string') continue
    if (seen.has(sid)) {
      report.add('policy-sid-repeated', {
        pointer: pointerTo(pointer, 'Sid'),
        index: 0,
        message: `A statement before has the Sid ${quoted(sid)} as well.`,
        expected: 'each Sid once',
        found: quoted(sid)
      })
    }
    seen.add(sid)
  }
}

function usesThingVariables({ resources, conditions }: PolicyStatement): boolean {
  return (
    conditions.some(({ key }) => isThingVariable(key)) ||
    [...resources.map(({ text }) => text), ...conditions.flatMap(({ values }) => values)].some(text =>
      variablesOf(text).some(({ name }) => isThingVariable(name))
    )
  )
}
