import { TemplateReader, type TemplateSource } from './template-reader.ts'

export type { TemplateForm, TemplateSource } from './template-reader.ts'

/**
 * Finds the template in what was pasted or posted: the template itself, its body as text or as a JSON string, a
 * registration config, what the AWS CLI and SDKs print of a stored template, a template of CloudFormation, or the JSON of
 * Terraform; as JSON, as YAML or parsed; escaped however often. Never throws: what is wrong comes back as findings.
 * Positions refer to the text, or, in parsed JSON, to the string that holds the body.
 */
export function readTemplateSource(input: unknown): TemplateSource {
  const reader = new TemplateReader()
  if (typeof input === 'string') reader.readText(input)
  else reader.readParsed(input)
  return reader.source()
}
