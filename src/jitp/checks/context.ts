import type { TemplateReport } from '../findings/report.ts'
import type { TemplateKind } from '../template/kind.ts'
import type { TemplateOptions } from '../template/options.ts'
import type { RegistrationPlace } from '../template/registration-place.ts'
import type { ProvisioningTemplate } from '../template/template.ts'

/** What every check needs. */
export interface CheckContext {
  readonly template: ProvisioningTemplate
  /** Which way of provisioning the template is written for. */
  readonly kind: TemplateKind
  readonly options: TemplateOptions
  readonly report: TemplateReport
  /** Where the template is registered, as far as it is known. */
  readonly place: RegistrationPlace
}
