import { kindCases } from './kind-cases.ts'
import type { CorpusCase } from './parts.ts'
import { plainCases } from './plain-cases.ts'
import { stackCases, terraformCases } from './stack-cases.ts'
import { storedCases } from './stored-cases.ts'

/** Templates written after the shapes that are seen in public, with what is to be said of each. */
export const corpusGroups: Readonly<Record<string, readonly CorpusCase[]>> = {
  'as such': plainCases,
  'for other ways of provisioning': kindCases,
  'of the AWS CLI and SDKs': storedCases,
  'in CloudFormation': stackCases,
  'in Terraform': terraformCases
}

export const corpus: readonly CorpusCase[] = Object.values(corpusGroups).flat()
