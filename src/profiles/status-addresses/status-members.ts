import Type from 'typebox'

/** In the order in which a certificate has them. */
const accessMethods = ['ocsp', 'caIssuers'] as const

/** What a profile says of the addresses in its certificates. */
export const statusMembers = {
  crlDistributionPoint: Type.Optional(
    Type.Enum(['full'], {
      description:
        'That the certificate names the address of the CRL of its generation (RFC 5280, cRLDistributionPoints). Needs MINTLINE_PUBLIC_URL. Left out: it names none.'
    })
  ),
  authorityInformationAccess: Type.Optional(
    Type.Array(Type.Enum(accessMethods), {
      minItems: 1,
      maxItems: accessMethods.length,
      uniqueItems: true,
      description:
        'That the certificate names these addresses (RFC 5280, authorityInfoAccess): where OCSP is answered, and where the certificate of its issuer is to be had. Needs MINTLINE_PUBLIC_URL. Left out: it names none.'
    })
  )
}
