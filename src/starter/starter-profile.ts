import type { ProfileDocument } from '../profiles/document.ts'
import { completeProfile, defaultSubject } from '../profiles/request.ts'

/**
 * The provisioning template of the starter profile: a thing named by the certificate's id, with a version and the
 * country as attributes, and a policy that lets it connect and publish.
 */
const template = {
  Parameters: {
    'AWS::IoT::Certificate::Country': { Type: 'String' },
    'AWS::IoT::Certificate::Id': { Type: 'String' }
  },
  Resources: {
    thing: {
      Type: 'AWS::IoT::Thing',
      Properties: {
        ThingName: { Ref: 'AWS::IoT::Certificate::Id' },
        AttributePayload: { version: 'v1', country: { Ref: 'AWS::IoT::Certificate::Country' } }
      },
      OverrideSettings: { AttributePayload: 'MERGE', ThingTypeName: 'DO_NOTHING', ThingGroups: 'DO_NOTHING' }
    },
    certificate: {
      Type: 'AWS::IoT::Certificate',
      Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' },
      OverrideSettings: { Status: 'REPLACE' }
    },
    policy: {
      Type: 'AWS::IoT::Policy',
      Properties: {
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: ['iot:Connect', 'iot:Publish'], Resource: ['*'] }]
        })
      }
    }
  }
}

/** The profile to try Mintline out with: the defaults, and the country that its template declares. */
export const starterProfile: ProfileDocument = completeProfile({
  name: 'starter',
  description: 'To try Mintline out: a device is its CommonName, AWS IoT names the thing by the certificate.',
  authority: 'starter',
  template,
  subject: { ...defaultSubject, Country: { rule: 'required', pattern: '[A-Z]{2}' } },
  deviceIdentity: ['CommonName']
})
