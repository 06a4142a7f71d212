/** So many steps are shown of a registration that has been followed for years. */
export const maximumSteps = 200

export interface RegistrationStep {
  readonly id: string
  readonly version: number
  readonly createdAt: Date
  readonly step: string
  readonly outcome: 'done' | 'noted' | 'failed'
  readonly detail: string
}
