import Type from 'typebox'
import { shardCounts } from '../../pki/revocation/shard.ts'

const strict = { additionalProperties: false }

/** In the order in which a certificate has them. */
const accessMethods = ['ocsp', 'caIssuers'] as const

/** What a profile says of the addresses in its certificates. */
export const statusMembers = {
  crlDistributionPoint: Type.Optional(
    Type.Union([Type.Literal('full'), Type.Object({ shards: Type.Enum(shardCounts) }, strict)], {
      description:
        'That the certificate names the address of a CRL (RFC 5280, cRLDistributionPoints): `full`, that of its generation; `{ "shards": n }`, one of n CRLs that the certificates of its generation are shared out to, each so much shorter. Needs MINTLINE_PUBLIC_URL. Left out: it names none.'
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
