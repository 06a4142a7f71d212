import Type from 'typebox'
import { strict } from '../../schemas/reference.ts'
import { AuthorityParams } from '../authorities/schemas.ts'

export const OcspGetParams = Type.Object(
  {
    ...AuthorityParams.properties,
    '*': Type.String({
      maxLength: 4_096,
      description:
        'The OCSPRequest in base64, URL-encoded (RFC 6960, appendix A.1). The alphabet of base64url is taken as well, and so is a slash as it is.',
      examples: ['MEIwQDA%2BMDwwOjAJBgUrDgMCGgUABBQ']
    })
  },
  strict
)
