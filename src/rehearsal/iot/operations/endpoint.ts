import { IotRefusal } from '../iot-refusal.ts'
import type { Operation } from './operation.ts'

export const endpointOperations = {
  DescribeEndpoint: {
    route: 'GET /endpoint',
    run({ query, surroundings }) {
      const type = query.optionalText('endpointType') ?? 'iot:Data'
      const { endpointAddress } = surroundings
      switch (type) {
        case 'iot:Data-ATS':
          return { endpointAddress }
        case 'iot:Data':
          // The older endpoint, with a certificate of VeriSign: devices that ask for it are turned away here.
          return { endpointAddress: endpointAddress.replace(/^([a-z0-9]+)-ats\./, '$1.') }
        case 'iot:CredentialProvider':
        case 'iot:Jobs':
          throw new IotRefusal('InvalidRequestException', `The stand-in has no endpoint of type ${type}.`)
        default:
          throw new IotRefusal('InvalidRequestException', `There is no endpoint of type ${type}.`)
      }
    }
  }
} satisfies Readonly<Record<string, Operation>>
