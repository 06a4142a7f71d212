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
import { isOwnParameter } from '../template/kind.ts'
import type { Parameter } from '../template/template.ts'
import type { CheckContext } from './context.ts'

/** Reports what is wrong with the declared parameters, and what declaring them means for the certificate. */
export function checkParameters(context: CheckContext): void {
  const { template } = context
  const used = new Set(expressionsOf(template).flatMap(expression => parametersOf(expression)))
  for (const parameter of template.parameters.values()) {
    if (certificateParameters.includes(parameter.name)) checkKnown(parameter, used, context)
    else if (context.kind === 'just-in-time' || !isOwnParameter(parameter.name))
      checkUnknown(parameter, context)
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
  if (name === serialNumberParameter) checkSerialNumber(pointer, used.has(name), context)
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

/** Where nothing is made of it, both readings are met by a subject that carries it, which is what is then asked for. */
function checkSerialNumber(pointer: string, isUsed: boolean, { options, report }: CheckContext): void {
  const source = options.serialNumberSource
  if (source === undefined && isUsed) {
    report.addAtName('serial-number-source-missing', {
      pointer,
      message: 'The template uses SerialNumber, and AWS contradicts itself on what that is.',
      expected: 'serialNumberSource `subject` or `certificate`',
      found: 'none'
    })
    return
  }
  const meaning =
    source === 'certificate'
      ? 'the serial number of the certificate in decimal'
      : 'the subject attribute serialNumber'
  const reason = source === undefined ? '; nothing is made of it, so that this is the safe assumption' : ''
  report.addAtName('serial-number-source-stated', {
    pointer,
    message: `SerialNumber is taken to be ${meaning}${reason}.`,
    expected: 'a proof with one device',
    found: source === undefined ? 'none' : quoted(source)
  })
}
