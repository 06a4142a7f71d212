import type { Subject, SubjectField } from '../../pki/name/subject-field.ts'
import { visibleParametersOf } from '../template/expression.ts'
import { type CompiledTemplate, thingNameFields } from './compile.ts'
import { ExpressionEvaluator } from './evaluate-expression.ts'

/** What a template names its things by. */
export type ThingNaming =
  /** It makes no thing, or one whose name comes of the certificate's id. */
  | { readonly kind: 'none' }
  /** Of the certificate's serial number, which nobody knows before. */
  | { readonly kind: 'serial-number' }
  | { readonly kind: 'subject'; readonly fields: readonly SubjectField[] }

export function thingNamingOf(template: CompiledTemplate): ThingNaming {
  const expression = template.thing?.thingName
  if (expression === undefined) return { kind: 'none' }
  const used = new Set(visibleParametersOf(expression))
  const sources = template.parameters.filter(({ name }) => used.has(name)).map(({ source }) => source)
  if (sources.includes('certificate-id')) return { kind: 'none' }
  if (sources.includes('certificate-serial-number')) return { kind: 'serial-number' }
  return { kind: 'subject', fields: thingNameFields(template) }
}

/**
 * The thing name that `evaluateTemplate` comes to for a certificate with these values, as far as it depends on them.
 *
 * @param subject with a value for each of the fields that name the thing.
 * @returns undefined where the template makes no name of them.
 */
export function evaluateThingName(
  { thing, parameters, mappings }: CompiledTemplate,
  subject: Subject
): string | undefined {
  if (thing?.thingName === undefined) return undefined
  const values = new Map(
    parameters.map(({ name, source, fallback }) => {
      const isOfSubject = source !== 'certificate-id' && source !== 'certificate-serial-number'
      return [name, (isOfSubject ? subject[source] : undefined) ?? fallback ?? null] as const
    })
  )
  let isSound = true
  const report = () => void (isSound = false)
  const name = new ExpressionEvaluator({ values, mappings, report }).text(thing.thingName)
  return isSound && name !== null ? name : undefined
}
