import { KmsRefusal } from './kms-refusal.ts'

/** The members of a request, each asked for by its name and type. Throws `ValidationException`. */
export interface KmsInput {
  text(name: string): string
  optionalText(name: string): string | undefined
  optionalInteger(name: string, minimum: number, maximum: number): number | undefined
  isTrue(name: string): boolean
  /** A blob: base64 on the wire. */
  blob(name: string, minimumOctets: number, maximumOctets: number): Uint8Array
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Reads the JSON body of a request. Throws `SerializationException` when it is no object. */
export function parseKmsInput(body: string): KmsInput {
  const members = parseObject(body)
  const optionalText = (name: string): string | undefined => {
    const value = members[name]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'string') throw refuse(name, 'must be a string')
    return value
  }
  const text = (name: string): string => {
    const value = optionalText(name)
    if (value === undefined) throw refuse(name, 'must not be null')
    return value
  }
  return {
    text,
    optionalText,
    optionalInteger(name, minimum, maximum) {
      const value = members[name]
      if (value === undefined || value === null) return undefined
      if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum)
        return value
      throw refuse(name, `must be a whole number from ${minimum} to ${maximum}`)
    },
    isTrue: name => members[name] === true,
    blob(name, minimumOctets, maximumOctets) {
      const encoded = text(name)
      if (!base64.test(encoded)) throw new KmsRefusal('SerializationException', `${name} is not base64.`)
      const octets = Buffer.from(encoded, 'base64')
      if (octets.length >= minimumOctets && octets.length <= maximumOctets) return octets
      throw refuse(name, `must have ${minimumOctets} to ${maximumOctets} bytes`)
    }
  }
}

function parseObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new KmsRefusal('SerializationException', 'The body is not a JSON object.')
}

function refuse(name: string, rule: string): KmsRefusal {
  return new KmsRefusal('ValidationException', `1 validation error detected: value at '${name}' ${rule}.`)
}
