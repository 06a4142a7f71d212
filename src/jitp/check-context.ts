import type { ProvisioningTemplate } from './template.ts'
import type { TemplateOptions } from './template-options.ts'
import type { TemplateReport } from './template-report.ts'

/** What every check needs. */
export interface CheckContext {
  readonly template: ProvisioningTemplate
  readonly options: TemplateOptions
  readonly report: TemplateReport
}
