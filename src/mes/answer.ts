import { isMetadata, type Metadata } from '../records/metadata.ts'
import { parseUnambiguousJson } from '../sources/json.ts'

/** What a system says of a device. */
export interface MesAnswer {
  readonly verdict: 'allow' | 'deny'
  /** For the operator; text of one line, at most 500 characters. */
  readonly message?: string
  /** To go on record with the request; there where it allows, alone. */
  readonly metadata?: Metadata
}

const longestMessage = 500
const members: readonly string[] = ['verdict', 'message', 'metadata']

/**
 * Reads an answer: an object with `verdict`, and maybe `message` and `metadata`, and nothing else.
 *
 * @returns what is wrong with it, in words that go on with "the MES answered", where it is none.
 */
export function readAnswer(body: Uint8Array): MesAnswer | string {
  const value = parse(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'what is no JSON object'
  const { verdict, message, metadata } = value as Readonly<Record<string, unknown>>
  if (Object.keys(value).some(name => !members.includes(name)))
    return `with members other than ${members.join(', ')}`
  if (verdict !== 'allow' && verdict !== 'deny') return 'with a verdict that is neither allow nor deny'
  if (message !== undefined && typeof message !== 'string') return 'with a message that is no text'
  const text = message === undefined ? '' : toOneLine(message)
  const told = text !== '' && { message: text }
  if (verdict === 'deny') return { verdict, ...told }
  if (metadata === undefined) return { verdict, ...told }
  if (!isMetadata(metadata)) return 'with metadata that breaks the rules of metadata'
  return { verdict, ...told, ...(Object.keys(metadata).length > 0 && { metadata }) }
}

function parse(body: Uint8Array): unknown {
  try {
    return parseUnambiguousJson(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}

/** It is shown on terminals and kept: no line breaks, controls, or marks that turn the direction of text. */
function toOneLine(message: string): string {
  const line = message
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  const characters = [...line]
  return characters.length > longestMessage ? `${characters.slice(0, longestMessage - 1).join('')}…` : line
}
