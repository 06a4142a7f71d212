export interface PolicyDocument {
  readonly version: string | undefined
  readonly statements: readonly PolicyStatement[]
}

export interface PolicyStatement {
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions: readonly PolicyCondition[]
  /** It has a member that is not read here, and may mean more or less than it seems. */
  readonly isBeyondUs: boolean
}

/** Each of the values is an alternative. */
export interface PolicyCondition {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}

const readMembers: readonly string[] = ['Sid', 'Effect', 'Action', 'Resource', 'Condition', 'Principal']

/** Reads a policy of AWS IoT or of IAM. Throws a SyntaxError with words for the person who wrote it. */
export function parsePolicyDocument(text: string): PolicyDocument {
  const document: unknown = JSON.parse(text)
  if (!isRecord(document)) throw new SyntaxError('a policy document is a JSON object')
  const { Statement: statement } = document
  if (statement === undefined) throw new SyntaxError('a policy document has a Statement')
  return {
    version: typeof document.Version === 'string' ? document.Version : undefined,
    statements: (Array.isArray(statement) ? statement : [statement]).map(parseStatement)
  }
}

/** Characters, white space not counted. */
const maximumDocumentLength = 2048

/** What keeps AWS IoT from taking the document as a policy, for the person who wrote it; undefined where nothing does. */
export function findDocumentMistake(text: string): string | undefined {
  if (text.replace(/\s/g, '').length > maximumDocumentLength)
    return `it has more than ${maximumDocumentLength} characters, white space aside`
  try {
    const { version, statements } = parsePolicyDocument(text)
    if (version !== '2012-10-17' && version !== '2008-10-17') return 'its Version is not one of a policy'
    const isWhole = statements.every(({ actions, resources }) =>
      [actions, resources].every(texts => texts.length > 0 && !texts.includes(''))
    )
    return statements.length > 0 && isWhole ? undefined : 'a statement has an Action and a Resource'
  } catch (error) {
    if (error instanceof SyntaxError) return error.message
    throw error
  }
}

function parseStatement(statement: unknown): PolicyStatement {
  if (!isRecord(statement)) throw new SyntaxError('a statement is an object')
  const { Effect: effect, Action: action, Resource: resource, Condition: condition = {} } = statement
  if (effect !== 'Allow' && effect !== 'Deny') throw new SyntaxError('an Effect is Allow or Deny')
  return {
    effect,
    actions: parseTexts('Action', action ?? []),
    resources: parseTexts('Resource', resource ?? []),
    conditions: parseConditions(condition),
    isBeyondUs: Object.keys(statement).some(name => !readMembers.includes(name))
  }
}

function parseConditions(condition: unknown): PolicyCondition[] {
  if (!isRecord(condition)) throw new SyntaxError('a Condition is an object')
  return Object.entries(condition).flatMap(([operator, keys]) => {
    if (!isRecord(keys)) throw new SyntaxError(`the condition ${operator} is an object`)
    return Object.entries(keys).map(([key, values]) => ({ operator, key, values: parseValues(key, values) }))
  })
}

function parseTexts(name: string, value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map((text: unknown) => {
    if (typeof text !== 'string') throw new SyntaxError(`${name} is a string or a list of strings`)
    return text
  })
}

/** The grammar of IAM's policies has numbers and booleans without quotes as well. */
function parseValues(key: string, values: unknown): string[] {
  const unquoted = (Array.isArray(values) ? values : [values]).map((value: unknown) =>
    typeof value === 'boolean' || typeof value === 'number' ? String(value) : value
  )
  return parseTexts(key, unquoted)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
