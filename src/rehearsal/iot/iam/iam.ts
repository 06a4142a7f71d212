import { randomUUID } from 'node:crypto'
import type { Reply, Service } from '../control-plane/service.ts'
import { asRefusal } from '../iot-refusal.ts'
import { type IamOperationName, iamOperationNames, iamOperations } from './operations.ts'
import { IamRefusal } from './refusal.ts'
import { formatXml, type XmlValue } from './xml.ts'

/** IAM and STS in the Query protocol: a form that is posted to `/`, answered with XML. */
export function createIamService(clock: () => number): Service<IamOperationName> {
  return {
    operationNames: iamOperationNames,
    parse({ method, url, body }) {
      const parameters = new URLSearchParams(body)
      const name = iamOperationNames.find(known => known === parameters.get('Action'))
      if (name === undefined || method !== 'POST' || url !== '/')
        throw new IamRefusal('InvalidAction', 'This is no operation of the stand-in.')
      return {
        name,
        run(registry, scope) {
          const result = iamOperations[name]({ registry, scope, parameters, now: clock() })
          const response = { [`${name}Result`]: result, ResponseMetadata: { RequestId: randomUUID() } }
          return formatReply(200, { [`${name}Response`]: response })
        }
      }
    },
    refuse(error) {
      const { status, code, message } = describeError(error)
      const type = status < 500 ? 'Sender' : 'Receiver'
      const response = { Error: { Type: type, Code: code, Message: message }, RequestId: randomUUID() }
      return formatReply(status, { ErrorResponse: response })
    }
  }
}

function describeError(error: unknown) {
  if (error instanceof IamRefusal)
    return { status: error.status, code: error.errorCode, message: error.message }
  const { status, errorName, message } = asRefusal(error)
  return { status, code: errorName, message }
}

function formatReply(status: number, body: XmlValue): Reply {
  return { status, headers: { 'content-type': 'text/xml' }, body: formatXml(body) }
}
