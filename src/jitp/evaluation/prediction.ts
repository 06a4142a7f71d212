/** What AWS IoT will make of a certificate at its first connection. */
export interface Prediction {
  /** Null where the template has no thing. */
  readonly thing: PredictedThing | null
  readonly certificate: { readonly status: 'ACTIVE' }
  readonly policies: readonly PredictedPolicy[]
}

export interface PredictedThing {
  /** Null before signing, where the name is made from the certificate id; `thingNameFrom` then says so. */
  readonly thingName: string | null
  readonly thingNameFrom?: 'certificateId'
  /** A value is null before signing, where it is made from the certificate id. */
  readonly attributes: Readonly<Record<string, string | null>>
  readonly thingTypeName: string | null
  readonly thingGroups: readonly string[]
  readonly billingGroup: string | null
}

/** A policy that must exist, or one that AWS makes from a document and names by a hash. */
export type PredictedPolicy =
  | { readonly policyName: string }
  | {
      /** Empty before signing, where it is made from the certificate id. */
      readonly policyDocument: string
      /** Null where it is not known which bytes AWS hashes; `generatedPolicyName` is the switch. */
      readonly predictedName: string | null
    }
