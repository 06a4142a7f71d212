import { isDenial } from '../../aws-client/failure.ts'
import type { TemplateReference } from '../../jitp/template/references.ts'
import type { Drift, Examination } from './examination.ts'
import type { IotControl } from './iot-control.ts'

/**
 * Looks up everything that the template names in the account and region. What is missing or of no use is drift: every
 * device stays pending. What may not be read is a note.
 *
 * @throws MintlineError `aws_unavailable`; `aws_refused` for what is not a denial.
 */
export async function examineReferences(
  iot: Pick<IotControl, 'describeReference'>,
  references: readonly TemplateReference[]
): Promise<Examination> {
  const drift: Drift[] = []
  const notes = new Set<string>()
  for (const reference of references) {
    try {
      const state = (await iot.describeReference(reference)) ?? 'none'
      if (state !== 'usable')
        drift.push({ field: `template.${reference.kind}`, expected: reference.name, found: state })
    } catch (error) {
      if (!isDenial(error)) throw error
      notes.add(`${reference.kind} ${reference.name} was not looked up: ${error.detail}`)
    }
  }
  return { drift, notes: [...notes] }
}
