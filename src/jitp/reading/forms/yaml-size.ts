import { Lexer } from 'yaml'
import { maximumDepth } from '../json/source.ts'

/** The library takes time by the token: so many take less than 40 ms. A stack of CloudFormation of 50 kB has fewer. */
const maximumTokens = 12_000
/**
 * Tokens within brackets, tags, anchors and directives: each may be a mistake, and mistakes cost ten times as much. A body
 * of 10,240 characters in brackets has half as many.
 */
const maximumCostlyTokens = 5_000

const mistakable = /^(?:[!&%*"'\]}]|---)/

/** What the lexer puts in for what it has found out; nothing of the text. */
const lexerMarks: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f'])

interface YamlSize {
  /** Undefined where the text is within bounds. */
  readonly excess:
    { readonly kind: 'too-large' | 'too-deep'; readonly expected: string; readonly found: string } | undefined
  /** Where it is too much. */
  readonly offset: number
}

/** Whether the library can be given the text: it recurses by depth, and takes time by the token. Nothing is built. */
export function measureYaml(text: string): YamlSize {
  let [tokens, costly, brackets, dashes, offset] = [0, 0, 0, 0, 0]
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets += 1
    else if (token === ']' || token === '}') brackets = Math.max(0, brackets - 1)
    else if (token === '-' || token === '?') dashes += 1
    else if (token.startsWith('\n') || token.startsWith('\r')) dashes = 0
    tokens += 1
    if (brackets > 0 || mistakable.test(token)) costly += 1
    if (brackets > maximumDepth || dashes > maximumDepth) {
      return {
        offset,
        excess: { kind: 'too-deep', expected: `at most ${maximumDepth} levels`, found: 'more' }
      }
    }
    if (tokens > maximumTokens || costly > maximumCostlyTokens) {
      const [most, what] =
        tokens > maximumTokens
          ? [maximumTokens, 'tokens of YAML']
          : [maximumCostlyTokens, 'tokens in brackets, tags and anchors']
      return { offset, excess: { kind: 'too-large', expected: `at most ${most} ${what}`, found: 'more' } }
    }
    if (!lexerMarks.has(token)) offset += token.length
  }
  return { offset, excess: undefined }
}
