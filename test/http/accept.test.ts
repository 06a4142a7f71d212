import { describe, expect, it } from 'vitest'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { chooseMediaType } from '../../src/http/accept.ts'

const json = 'application/json'
const pem = 'application/pem-certificate-chain'
const der = 'application/pkix-cert'

function choose(accept: string | undefined): string {
  try {
    return chooseMediaType(accept, [json, pem, der])
  } catch (error) {
    if (isMintlineError(error)) return error.code
    throw error
  }
}

describe('chooseMediaType', () => {
  it.each([
    ['no header', undefined, json],
    ['an empty header', ' ', json],
    ['what curl says', '*/*', json],
    ['the one type', pem, pem],
    ['any case', 'Application/PKIX-Cert', der],
    ['the higher quality', `${json};q=0.4, ${der};q=0.5`, der],
    ['quality 0 of the first', `${json};q=0, */*;q=0.1`, pem],
    ['an equal quality, named against a wildcard', `*/*, ${der}`, der],
    ['a family', 'application/*', json],
    ['a specific type over its family', `application/*;q=0.9, ${json};q=0.1`, pem],
    ['a parameter that is not the quality', `${pem};charset=utf-8`, pem],
    ['spaces', ` ${der} ; q = 1.000 , ${json};q=0.999`, der],
    ['only what is not on offer', 'text/html, image/*', 'not_acceptable'],
    ['everything refused', '*/*;q=0', 'not_acceptable'],
    ['a quality that is no quality', `${pem};q=high`, 'not_acceptable'],
    ['a quality above 1', `${pem};q=7`, 'not_acceptable'],
    ['no media range at all', ',;,', 'not_acceptable']
  ])('%s', (_name, accept, expected) => {
    expect(choose(accept)).toBe(expected)
  })
})
