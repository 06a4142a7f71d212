import { caCertificateOperations } from './certificates/ca-certificates.ts'
import { certificateOperations } from './certificates/certificates.ts'
import { endpointOperations } from './endpoint.ts'
import { loggingOperations } from './logging.ts'
import type { Operation } from './operation.ts'
import { policyOperations } from './policies/policies.ts'
import { policyVersionOperations } from './policies/policy-versions.ts'
import { principalPolicyOperations } from './policies/principal-policies.ts'
import { provisioningTemplateOperations } from './provisioning-templates.ts'
import { shadowOperations } from './shadows.ts'
import { tagOperations } from './tags.ts'
import { thingGroupOperations } from './things/thing-groups.ts'
import { thingPrincipalOperations } from './things/thing-principals.ts'
import { thingTypeOperations } from './things/thing-types.ts'
import { thingOperations } from './things/things.ts'

const table = {
  ...caCertificateOperations,
  ...certificateOperations,
  ...endpointOperations,
  ...loggingOperations,
  ...policyOperations,
  ...policyVersionOperations,
  ...principalPolicyOperations,
  ...provisioningTemplateOperations,
  ...shadowOperations,
  ...tagOperations,
  ...thingGroupOperations,
  ...thingOperations,
  ...thingPrincipalOperations,
  ...thingTypeOperations
} satisfies Readonly<Record<string, Operation>>

export type OperationName = keyof typeof table

/** Each operation of AWS IoT that the stand-in has. */
export const operations: Readonly<Record<OperationName, Operation>> = table
export const operationNames = Object.keys(table) as readonly OperationName[]

export interface Route {
  readonly name: OperationName
  /** What stands in the path in place of the labels, percent-decoded. */
  readonly labels: readonly (readonly [string, string])[]
}

interface Pattern {
  readonly name: OperationName
  readonly method: string
  readonly segments: readonly string[]
}

const patterns: readonly Pattern[] = operationNames.map(name => {
  const [method = '', path = ''] = table[name].route.split(' ')
  return { name, method, segments: path.split('/') }
})

/**
 * Finds the operation by method and raw path. The path is split before it is decoded, because a label may have a slash
 * in it: an ARN travels as `arn%3Aaws%3A…%2F…`.
 *
 * @returns undefined when there is none, or a label is not decodable.
 */
export function findRoute(method: string, rawPath: string): Route | undefined {
  const segments = rawPath.split('/')
  for (const pattern of patterns) {
    const labels = pattern.method === method ? matchSegments(pattern.segments, segments) : undefined
    if (labels !== undefined) return { name: pattern.name, labels }
  }
  return undefined
}

function matchSegments(
  expected: readonly string[],
  segments: readonly string[]
): Route['labels'] | undefined {
  if (expected.length !== segments.length) return undefined
  const labels: [string, string][] = []
  for (const [index, segment] of segments.entries()) {
    const label = /^\{(\w+)\}$/.exec(expected[index] ?? '')?.[1]
    const value = label === undefined ? undefined : decode(segment)
    if (label !== undefined && value !== undefined && value !== '') labels.push([label, value])
    else if (segment !== expected[index]) return undefined
  }
  return labels
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
