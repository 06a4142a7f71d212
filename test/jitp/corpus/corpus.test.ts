import { describe, expect, it } from 'vitest'
import { examineTemplate } from '../../../src/jitp/checks/check.ts'
import { compileTemplate } from '../../../src/jitp/evaluation/compile.ts'
import { evaluateTemplate } from '../../../src/jitp/evaluation/evaluate.ts'
import { isError } from '../../../src/jitp/findings/finding.ts'
import { bodyTextOf } from '../../../src/jitp/reading/registration-config.ts'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import { corpus, corpusGroups } from './corpus.ts'

const device = {
  subject: { CommonName: 'meter-1', OrganizationalUnit: 'hall-4', SerialNumber: '1' },
  certificateSerialNumber: Uint8Array.of(1)
}

describe.each(Object.entries(corpusGroups))('templates %s', (_, group) => {
  it.each(group.map(each => [each.name, each] as const))('%s', (_name, each) => {
    const source = readTemplateSource(each.text)
    const { findings } = examineTemplate(source, each.options)
    const ids = (severity: string) =>
      findings.filter(finding => finding.severity === severity).map(({ id }) => id)
    expect({ form: source.form, errors: ids('error'), warnings: ids('warning') }).toEqual({
      form: each.form,
      errors: each.errors ?? [],
      warnings: each.warnings ?? []
    })
  })
})

describe('the corpus', () => {
  it('has each template once, and more than forty', () => {
    expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length)
    expect(corpus.length).toBeGreaterThan(40)
  })

  it('has a place in the text for every finding', () => {
    for (const { text, options, name } of corpus) {
      for (const { id, position } of examineTemplate(readTemplateSource(text), options).findings) {
        expect.soft(position, `${name}: ${id}`).toBeDefined()
        expect.soft(text.split('\n')[(position?.line ?? 0) - 1], `${name}: ${id}`).toBeDefined()
      }
    }
  })

  it('provisions a device by all that is accepted, by a body of JSON', () => {
    for (const { text, options, name, errors = [] } of corpus) {
      const source = readTemplateSource(text)
      const examination = examineTemplate(source, options)
      expect(examination.findings.some(isError), name).toBe(errors.length > 0)
      if (errors.length > 0) continue
      const evaluation = evaluateTemplate(compileTemplate(examination, options), device)
      expect(evaluation.ok, name).toBe(true)
      const body = bodyTextOf(source)
      expect(() => JSON.parse(body) as unknown, name).not.toThrow()
      expect(readTemplateSource(body).findings, name).toEqual([])
    }
  })
})
