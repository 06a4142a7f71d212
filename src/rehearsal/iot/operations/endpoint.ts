import { IotRefusal } from '../iot-refusal.ts'
import type { Operation } from './operation.ts'

export const endpointOperations = {
  DescribeEndpoint: {
    route: 'GET /endpoint',
    run({ query, surroundings }) {
      const type = query.optionalText('endpointType') ?? 'iot:Data'
      // Devices meet one listener here. The other kinds of endpoint are services that the stand-in does not have.
      if (type !== 'iot:Data-ATS' && type !== 'iot:Data')
        throw new IotRefusal('InvalidRequestException', `The stand-in has no endpoint of type ${type}.`)
      return { endpointAddress: surroundings.endpointAddress }
    }
  }
} satisfies Readonly<Record<string, Operation>>
