import { type FindingId, type FindingText, quoted } from '../findings/finding.ts'
import type { JsonObject, JsonReading, JsonValue } from '../reading/json-source.ts'
import { pointerTo, readJson } from '../reading/json-source.ts'
import { isJsonList, isJsonObject, kindOf } from '../reading/json-value.ts'

const maximumDocumentLength = 2048
/** Those that are over show once the others are corrected. */
const problemsOfAKind = 50

interface DocumentProblem {
  readonly id: FindingId
  /** UTF-16 code unit of the document. */
  readonly index: number
  readonly message: string
  readonly expected: string
  readonly found: string
}

/** What a policy document says, as far as a device's first connection depends on it. */
export interface DocumentExamination {
  readonly problems: readonly DocumentProblem[]
  readonly statements: readonly PolicyStatement[]
  readonly allowsConnect: boolean
  /** Whether it uses policy variables of the thing that the connection belongs to. */
  readonly usesThingVariables: boolean
}

interface PolicyStatement {
  readonly effect: JsonValue | undefined
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly pointer: string
}

const documentMembers = ['Version', 'Id', 'Statement']
const statementMembers = ['Sid', 'Effect', 'Action', 'Resource', 'Condition']
const languageVersion = '2012-10-17'

/** Examines the text of an AWS IoT policy document. Never throws. */
export function examinePolicyDocument(text: string): DocumentExamination {
  return new DocumentExaminer(text).examine()
}

class DocumentExaminer {
  readonly #text: string
  readonly #reading: JsonReading
  readonly #problems: DocumentProblem[] = []
  readonly #counts = new Map<FindingId, number>()

  constructor(text: string) {
    this.#text = text
    this.#reading = readJson(text)
  }

  examine(): DocumentExamination {
    const length = this.#text.replaceAll(/\s+/g, '').length
    if (length > maximumDocumentLength) {
      this.#report('policy-document-too-long', {
        pointer: '',
        message: `The policy document has ${length} characters without spaces.`,
        expected: `at most ${maximumDocumentLength}`,
        found: String(length)
      })
    }
    // A text without end is not looked at any closer; four times the limit is far more than a slip of the pen.
    const statements = length > 4 * maximumDocumentLength || this.#isEscaped() ? [] : this.#statements()
    return {
      problems: this.#problems,
      statements,
      allowsConnect: statements.some(allowsConnect),
      usesThingVariables: this.#text.includes('${iot:Connection.Thing.')
    }
  }

  #isEscaped(): boolean {
    const isLiteral = typeof this.#reading.value === 'string'
    if (!isLiteral && !/^\s*\{\s*\\/.test(this.#text)) return false
    this.#report('policy-document-escaped-too-often', {
      pointer: '',
      message: 'The policy document is escaped once too often.',
      expected: 'a JSON object',
      found: 'escaped JSON'
    })
    return true
  }

  #statements(): readonly PolicyStatement[] {
    const quotes = this.#reading.faults.find(fault => fault.kind === 'typographic-quotes')
    for (const fault of this.#reading.faults) {
      if (fault.kind === 'typographic-quotes' && fault !== quotes) continue
      const id = fault === quotes ? 'typographic-quotes' : 'policy-document-not-json'
      const message = `The policy document is not JSON: expected ${fault.expected}, found ${fault.found}.`
      this.#keep({ id, index: fault.offset, message, expected: fault.expected, found: fault.found })
    }
    const document = this.#reading.value
    if (document === undefined) return []
    if (!isJsonObject(document)) {
      this.#invalid('', 'a policy document', kindOf(document))
      return []
    }
    this.#checkMembers(document, '', documentMembers)
    this.#checkTexts()
    if (document.Version !== languageVersion)
      this.#invalid('/Version', `Version "${languageVersion}"`, describe(document.Version))
    const list = isJsonList(document.Statement) ? document.Statement : [document.Statement]
    if (list.length === 0) this.#invalid('/Statement', 'at least one statement', 'none')
    return list.flatMap((statement, index) =>
      this.#statement(
        statement,
        isJsonList(document.Statement) ? pointerTo('/Statement', index) : '/Statement'
      )
    )
  }

  #statement(value: JsonValue | undefined, pointer: string): readonly PolicyStatement[] {
    if (!isJsonObject(value)) {
      this.#invalid(pointer, 'a statement', kindOf(value))
      return []
    }
    this.#checkMembers(value, pointer, statementMembers)
    if (value.Effect !== 'Allow' && value.Effect !== 'Deny') {
      this.#invalid(pointerTo(pointer, 'Effect'), 'Effect "Allow" or "Deny"', describe(value.Effect))
    }
    const statement = {
      effect: value.Effect,
      actions: this.#texts(value.Action, pointerTo(pointer, 'Action'), 'an action'),
      resources: this.#texts(value.Resource, pointerTo(pointer, 'Resource'), 'a resource'),
      pointer
    }
    this.#checkReach(statement)
    return [statement]
  }

  #checkReach({ effect, actions, resources, pointer }: PolicyStatement): void {
    for (const action of actions) {
      if (action !== '*' && !action.includes(':')) {
        this.#invalid(pointerTo(pointer, 'Action'), 'an action such as iot:Publish', quoted(action))
      }
    }
    const isUnlimited = actions.some(action => action === '*' || action.toLowerCase() === 'iot:*')
    if (effect === 'Allow' && isUnlimited && resources.includes('*')) {
      this.#report('policy-allows-everything', {
        pointer,
        message: 'The policy allows every action on everything.',
        expected: 'named actions and topics',
        found: 'iot:* on *'
      })
    }
  }

  #texts(value: JsonValue | undefined, pointer: string, expected: string): readonly string[] {
    const list = isJsonList(value) ? value : [value]
    const texts = list.filter(text => typeof text === 'string' && text !== '') as string[]
    if (texts.length === 0 || texts.length !== list.length) this.#invalid(pointer, expected, kindOf(value))
    return texts
  }

  #checkMembers(value: JsonObject, pointer: string, known: readonly string[]): void {
    for (const name of Object.keys(value)) {
      if (!known.includes(name)) this.#invalid(pointerTo(pointer, name), known.join(', '), quoted(name))
    }
  }

  #checkTexts(): void {
    for (const match of this.#text.matchAll(/\$\{([^{}"]{0,200})\}/g)) {
      const name = match[1] ?? ''
      if (/^(?:iot|aws):(?!:)/i.test(name) || ['*', '?', '$'].includes(name)) continue
      const message = `${quoted(match[0])} is not a policy variable, and the template does not replace it here.`
      this.#keep({
        id: 'policy-variable-unknown',
        index: match.index,
        message,
        expected: '${iot:…}',
        found: quoted(match[0])
      })
    }
    for (const match of this.#text.matchAll(/<[A-Za-z][A-Za-z0-9 _-]{0,60}>/g)) {
      const message = `${quoted(match[0])} looks like a placeholder.`
      this.#keep({
        id: 'placeholder-left',
        index: match.index,
        message,
        expected: 'your own value',
        found: quoted(match[0])
      })
    }
  }

  #invalid(pointer: string, expected: string, found: string): void {
    this.#report('policy-document-invalid', {
      pointer,
      message: `Expected ${expected} in the policy document, found ${found}.`,
      expected,
      found
    })
  }

  #report(id: FindingId, { pointer, ...text }: FindingText): void {
    const parent = pointer.slice(0, Math.max(pointer.lastIndexOf('/'), 0))
    const offset = this.#reading.places.find(pointer) ?? this.#reading.places.find(parent)
    this.#keep({ id, index: offset?.value ?? 0, ...text })
  }

  #keep(problem: DocumentProblem): void {
    const count = (this.#counts.get(problem.id) ?? 0) + 1
    this.#counts.set(problem.id, count)
    if (count <= problemsOfAKind) this.#problems.push(problem)
  }
}

function describe(value: JsonValue | undefined): string {
  return typeof value === 'string' ? quoted(value) : kindOf(value)
}

/** The resource of iot:Connect is a client; on a topic it allows nothing. */
function allowsConnect({ effect, actions, resources }: PolicyStatement): boolean {
  const isForClients = resources.some(resource => !/:(?:topic|topicfilter|thing|cert)\//.test(resource))
  return effect === 'Allow' && isForClients && actions.some(matchesConnect)
}

function matchesConnect(action: string): boolean {
  const pattern = action.toLowerCase()
  return pattern.endsWith('*') ? 'iot:connect'.startsWith(pattern.slice(0, -1)) : pattern === 'iot:connect'
}
