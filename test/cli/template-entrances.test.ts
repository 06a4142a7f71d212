import { describe, expect, it } from 'vitest'
import { checkTemplate } from '../../src/jitp/checks/check.ts'
import { isError } from '../../src/jitp/findings/finding.ts'
import { bodyTextOf } from '../../src/jitp/reading/registration-config.ts'
import { readTemplateSource } from '../../src/jitp/reading/template-source.ts'
import { compileProfile } from '../../src/profiles/compiled-profile.ts'
import { buildFirstProfile } from '../../src/profiles/first-profile.ts'
import { templateBodyOf } from '../../src/profiles/template.ts'
import { readStoryTemplate } from '../../src/rehearsal/story/template.ts'
import { corpus } from '../jitp/corpus/corpus.ts'

const isAccepted = (act: () => unknown): boolean => {
  try {
    act()
    return true
  } catch {
    return false
  }
}

describe('the entrances for a template', () => {
  it.each(corpus.map(each => [each.name, each] as const))('agree on %s', (_, { text, options = {} }) => {
    const source = readTemplateSource(text)
    const accepted = !checkTemplate(source, options).some(isError)
    const choices = { name: 'meters', authority: 'starter', switches: options }
    expect({
      rehearse: isAccepted(() => readStoryTemplate(text, options)),
      profileInit: isAccepted(() => compileProfile(buildFirstProfile(source, choices)))
    }).toEqual({ rehearse: accepted, profileInit: accepted })
    if (!accepted) return
    // A profile without a role keeps the template as an object, and its spaces are lost.
    const bodies = [
      readStoryTemplate(text, options).templateBody,
      templateBodyOf(buildFirstProfile(source, choices))
    ]
    const expected: unknown = JSON.parse(bodyTextOf(source))
    expect(bodies.map(body => JSON.parse(body) as unknown)).toEqual([expected, expected])
  })

  it('say with a template what they assume of it', () => {
    const text = corpus.find(({ name }) => name === 'SerialNumber declared for nothing')!.text
    const isSaid = (words: readonly string[]) =>
      words.some(word => word.includes('serial-number-source-stated'))
    const source = readTemplateSource(text)
    const profile = buildFirstProfile(source, { name: 'meters', authority: 'starter', switches: {} })
    expect([
      isSaid(checkTemplate(source).map(({ id }) => id)),
      isSaid(readStoryTemplate(text, {}).warnings),
      isSaid(compileProfile(profile).warnings.map(({ message }) => message))
    ]).toEqual([true, true, true])
  })
})
