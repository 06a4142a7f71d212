/** Where a template is registered, as far as it is known: the parts of ARNs there. */
export interface RegistrationPlace {
  readonly partition?: string
  readonly region?: string
  /** 12 digits. */
  readonly accountId?: string
}

/** The account of a role's ARN, which a template is registered with from the same account. */
export function placeOfRole(roleArn: string): RegistrationPlace {
  const [, partition, , , accountId] = roleArn.split(':')
  return { ...(partition !== undefined && { partition }), ...(accountId !== undefined && { accountId }) }
}
