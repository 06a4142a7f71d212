import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type JsonMembers = { [name: string]: Json }

export const ref = (name: string): JsonMembers => ({ Ref: `AWS::IoT::Certificate::${name}` })

export const connectDocument = (resource = 'arn:aws:iot:eu-central-1:210987654321:client/*'): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: resource }]
  })

export interface TemplateParts {
  readonly parameters?: readonly string[]
  readonly thing?: Json
  readonly thingOverrides?: Json
  readonly certificate?: Json
  readonly certificateOverrides?: Json
  readonly policy?: Json
  readonly resources?: JsonMembers
  readonly template?: JsonMembers
}

/** A template that has no findings, with some of its parts replaced. */
export function templateOf(parts: TemplateParts = {}): JsonMembers {
  const parameters = parts.parameters ?? ['CommonName', 'Id']
  return {
    Parameters: Object.fromEntries(
      parameters.map(name => [`AWS::IoT::Certificate::${name}`, { Type: 'String' }])
    ),
    Resources: {
      thing: {
        Type: 'AWS::IoT::Thing',
        Properties: parts.thing ?? { ThingName: ref('CommonName') },
        OverrideSettings: parts.thingOverrides ?? { AttributePayload: 'MERGE' }
      },
      certificate: {
        Type: 'AWS::IoT::Certificate',
        Properties: parts.certificate ?? { CertificateId: ref('Id'), Status: 'ACTIVE' },
        OverrideSettings: parts.certificateOverrides ?? { Status: 'REPLACE' }
      },
      policy: { Type: 'AWS::IoT::Policy', Properties: parts.policy ?? { PolicyDocument: connectDocument() } },
      ...parts.resources
    },
    ...parts.template
  }
}

/** The resources of a template without findings, one of them left out. */
export function resourcesWithout(name: string): JsonMembers {
  return Object.fromEntries(
    Object.entries(templateOf().Resources as JsonMembers).filter(([other]) => other !== name)
  )
}

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/templates/${name}`, import.meta.url))
}

export function readFixture(name: string): string {
  return readFileSync(fixturePath(name), 'utf8')
}
