import type { TemplateForm } from '../../../src/jitp/reading/template-source.ts'
import type { TemplateOptions } from '../../../src/jitp/template/options.ts'
import { type Json, type JsonMembers, ref } from '../template-cases.ts'

/** A template in one of the shapes that people have, and what is to be said of it. */
export interface CorpusCase {
  readonly name: string
  readonly text: string
  readonly options?: TemplateOptions
  readonly form: TemplateForm
  /** Ids of the errors, then of the warnings, as they come in the text. None: accepted. */
  readonly errors?: readonly string[]
  readonly warnings?: readonly string[]
}

export const roleArn = 'arn:aws:iam::444455556666:role/factory/jitp'
const arn = (resource: string) => `arn:aws:iot:eu-west-1:444455556666:${resource}`
const thingName = '${iot:Connection.Thing.ThingName}'

/** What a device needs that connects as its thing, and talks below its own name. */
export const soundDocument = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'iot:Connect', Resource: arn(`client/${thingName}`) },
    {
      Effect: 'Allow',
      Action: ['iot:Publish', 'iot:Receive'],
      Resource: arn(`topic/meters/${thingName}/*`)
    },
    { Effect: 'Allow', Action: 'iot:Subscribe', Resource: arn(`topicfilter/meters/${thingName}/*`) }
  ]
}

const certificate = {
  Type: 'AWS::IoT::Certificate',
  Properties: { CertificateId: ref('Id'), Status: 'ACTIVE' },
  OverrideSettings: { Status: 'REPLACE' }
}
const policy = {
  Type: 'AWS::IoT::Policy',
  Properties: { PolicyDocument: JSON.stringify(soundDocument) }
}

export interface BodyParts {
  readonly parameters?: JsonMembers
  readonly thing?: JsonMembers
  readonly certificate?: JsonMembers
  readonly policy?: JsonMembers
  readonly more?: JsonMembers
}

export const declared = (...names: string[]): JsonMembers =>
  Object.fromEntries(names.map(name => [`AWS::IoT::Certificate::${name}`, { Type: 'String' }]))

/** A template that AWS IoT provisions by, with some of its parts replaced. */
export function bodyOf(parts: BodyParts = {}): JsonMembers {
  return {
    Parameters: parts.parameters ?? declared('CommonName', 'OrganizationalUnit', 'Id'),
    Resources: {
      thing: {
        Type: 'AWS::IoT::Thing',
        Properties: parts.thing ?? {
          ThingName: ref('CommonName'),
          AttributePayload: { hall: ref('OrganizationalUnit'), maker: 'Acme' }
        },
        OverrideSettings: { AttributePayload: 'MERGE', ThingTypeName: 'REPLACE', ThingGroups: 'DO_NOTHING' }
      },
      certificate:
        parts.certificate === undefined ? certificate : { ...certificate, Properties: parts.certificate },
      policy: parts.policy === undefined ? policy : { ...policy, Properties: parts.policy }
    },
    ...parts.more
  }
}

export const body: string = JSON.stringify(bodyOf(), null, 2)
export const json = (value: Json): string => JSON.stringify(value, null, 2)

/** Every line of the text, further to the right. */
export const indent = (text: string, columns: number): string =>
  text
    .split('\n')
    .map(line => ' '.repeat(columns) + line)
    .join('\n')
