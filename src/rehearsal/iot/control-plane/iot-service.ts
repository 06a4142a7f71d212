import { randomUUID } from 'node:crypto'
import { asRefusal, IotRefusal } from '../iot-refusal.ts'
import type { Surroundings } from '../operations/operation.ts'
import { findRoute, type OperationName, operationNames, operations } from '../operations/operations.ts'
import { createTextMembers, parseBody } from '../wire.ts'
import type { Reply, Service } from './service.ts'

/** AWS IoT in its own protocol, REST-JSON: path and query and headers and a JSON body carry the members. */
export function createIotService(surroundings: Surroundings): Service<OperationName> {
  return {
    operationNames,
    parse({ method, url, headers, body }) {
      const [rawPath = '', rawQuery = ''] = url.split(/\?(.*)/s)
      const route = findRoute(method, rawPath)
      if (route === undefined)
        throw new IotRefusal('UnknownOperationException', 'This is no operation of the stand-in.')
      const run = operations[route.name].run
      return {
        name: route.name,
        run: registry => {
          const call = {
            registry,
            path: createTextMembers(route.labels),
            query: createTextMembers(new URLSearchParams(rawQuery)),
            headers: createTextMembers(singleHeaders(headers)),
            get body() {
              return parseBody(body)
            },
            payload: body,
            surroundings
          }
          return formatReply(200, run(call), {})
        }
      }
    },
    refuse(error) {
      const refusal = asRefusal(error)
      const body = { message: refusal.message, ...refusal.resource }
      return formatReply(refusal.status, body, { 'x-amzn-errortype': refusal.errorName })
    }
  }
}

function formatReply(status: number, body: object, headers: Readonly<Record<string, string>>): Reply {
  const common = { 'content-type': 'application/json', 'x-amzn-requestid': randomUUID() }
  return { status, headers: { ...common, ...headers }, body: JSON.stringify(body) }
}

function singleHeaders(headers: NodeJS.Dict<string | string[]>): [string, string][] {
  return Object.entries(headers).filter((header): header is [string, string] => typeof header[1] === 'string')
}
