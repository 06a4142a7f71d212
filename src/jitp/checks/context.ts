import type { TemplateReport } from '../findings/report.ts'
import type { TemplateOptions } from '../template/options.ts'
import type { ProvisioningTemplate } from '../template/template.ts'

/** What every check needs. */
export interface CheckContext {
  readonly template: ProvisioningTemplate
  readonly options: TemplateOptions
  readonly report: TemplateReport
}
