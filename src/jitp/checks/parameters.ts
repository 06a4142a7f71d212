import { quoted } from '../findings/finding.ts'
import {
  certificateIdParameter,
  certificateParameters,
  nearestParameter,
  serialNumberParameter,
  subjectFieldOf
} from '../template/certificate-parameter.ts'
import { parametersOf } from '../template/expression.ts'
import { expressionsOf } from '../template/expressions-of-template.ts'
import type { Parameter } from '../template/template.ts'
import type { CheckContext } from './context.ts'

/** Reports what is wrong with the declared parameters, and what declaring them means for the certificate. */
export function checkParameters(context: CheckContext): void {
  const { template } = context
  const used = new Set(expressionsOf(template).flatMap(expression => parametersOf(expression)))
  for (const parameter of template.parameters.values()) {
    if (certificateParameters.includes(parameter.name)) checkKnown(parameter, used, context)
    else checkUnknown(parameter, context)
  }
}

function checkUnknown({ name, pointer }: Parameter, { report }: CheckContext): void {
  const near = nearestParameter(name)
  const advice = near === undefined ? '' : ` Perhaps ${quoted(near)} is meant.`
  const message = `Just-in-time provisioning has no parameter ${quoted(name)}.${advice}`
  report.addAtName('parameter-unknown', {
    pointer,
    message,
    expected: near ?? certificateParameters.join(', '),
    found: quoted(name)
  })
}

function checkKnown(parameter: Parameter, used: ReadonlySet<string>, context: CheckContext): void {
  const { name, pointer, defaultValue } = parameter
  const { options, report } = context
  if (name === serialNumberParameter) checkSerialNumber(pointer, context)
  if (!used.has(name) && name !== certificateIdParameter && context.template.isComplete) {
    const message = `${quoted(name)} is declared but not used.`
    report.addAtName('parameter-unused', {
      pointer,
      message,
      expected: 'a use of the parameter',
      found: 'none'
    })
  }
  const isFromSubject = subjectFieldOf(name) !== undefined
  if (defaultValue !== undefined && isFromSubject && options.defaultsFillAbsentFields !== true) {
    const message = `The default ${quoted(defaultValue)} is not relied upon: certificates must carry the field.`
    report.add('parameter-default-ignored', {
      pointer: `${pointer}/Default`,
      message,
      expected: 'no default',
      found: quoted(defaultValue)
    })
  }
}

function checkSerialNumber(pointer: string, { options, report }: CheckContext): void {
  const source = options.serialNumberSource
  const expected = 'serialNumberSource `subject` or `certificate`'
  if (source === undefined) {
    const message = 'The template declares SerialNumber, and AWS contradicts itself on what that is.'
    report.addAtName('serial-number-source-missing', { pointer, message, expected, found: 'none' })
  } else {
    const meaning =
      source === 'subject'
        ? 'the subject attribute serialNumber'
        : 'the serial number of the certificate in decimal'
    const message = `SerialNumber is taken to be ${meaning}.`
    report.addAtName('serial-number-source-stated', {
      pointer,
      message,
      expected: 'a proof with one device',
      found: quoted(source)
    })
  }
}
