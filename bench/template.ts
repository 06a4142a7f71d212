import { examineTemplate } from '../src/jitp/checks/check.ts'
import { compileTemplate } from '../src/jitp/evaluation/compile.ts'
import { evaluateTemplate } from '../src/jitp/evaluation/evaluate.ts'
import { readTemplateSource } from '../src/jitp/reading/template-source.ts'
import type { TemplateOptions } from '../src/jitp/template/options.ts'

const rounds = 200_000
const facts = {
  subject: { CommonName: 'SN-0001', Country: 'AT', Organization: 'Example' },
  certificateSerialNumber: new Uint8Array(16).fill(0x11),
  certificateId: 'ab'.repeat(32)
}

const parameter = (name: string) => `AWS::IoT::Certificate::${name}`
const ref = (name: string) => ({ Ref: parameter(name) })

function templateOf(thingName: unknown, attributes: Readonly<Record<string, unknown>>) {
  const names = ['CommonName', 'Country', 'Organization', 'Id']
  return {
    Parameters: Object.fromEntries(names.map(name => [parameter(name), { Type: 'String' }])),
    Resources: {
      thing: { Type: 'AWS::IoT::Thing', Properties: { ThingName: thingName, AttributePayload: attributes } },
      certificate: {
        Type: 'AWS::IoT::Certificate',
        Properties: { CertificateId: ref('Id'), Status: 'ACTIVE' }
      },
      policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'devices' } }
    }
  }
}

const templates: Readonly<Record<string, unknown>> = {
  references: templateOf(ref('CommonName'), { country: ref('Country'), maker: ref('Organization') }),
  functions: templateOf(
    { 'Fn::Sub': ['line-${cn}', { cn: ref('CommonName') }] },
    { place: { 'Fn::Join': ['-', [ref('Country'), ref('Organization')]] } }
  )
}

/** Microseconds of one evaluation, the best of five runs. */
function measure(template: unknown, options: TemplateOptions): number {
  const compiled = compileTemplate(examineTemplate(readTemplateSource(template), options), options)
  const runs = Array.from({ length: 6 }, () => {
    const start = process.cpuUsage()
    for (let round = 0; round < rounds; round++) evaluateTemplate(compiled, facts)
    return process.cpuUsage(start).user / rounds
  })
  return Math.min(...runs.slice(1))
}

for (const [name, template] of Object.entries(templates)) {
  console.log(`${name}: ${measure(template, { functions: 'accept' }).toFixed(2)} us`)
}
