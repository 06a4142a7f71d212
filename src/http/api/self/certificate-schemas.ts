import Type, { type Static } from 'typebox'
import { example } from '../../schemas/example.ts'
import { strict, uuid } from '../../schemas/reference.ts'

export const StationCertificateBody = Type.Object(
  {
    csr: Type.String({
      minLength: 1,
      description:
        "The certification request (PKCS#10) for the station's own key: PEM, or base64 of its DER. Whatever subject it has does not count.",
      examples: [example.csr]
    })
  },
  strict
)

const sha256 = Type.String({
  description: 'SHA-256 of its DER, in lower-case hex: its fingerprint.',
  examples: ['9f2c1e4b7a6d5038c1f0e9d8b7a695847362514f3e2d1c0b9a8f7e6d5c4b3a29']
})

/** When a station is to have its certificate renewed, and when it ends. */
const life = {
  notBefore: Type.String({ format: 'date-time' }),
  notAfter: Type.String({ format: 'date-time', description: 'From then on it lets nobody in.' }),
  renewAfter: Type.String({
    format: 'date-time',
    description: 'When two thirds of its life are over: renew it from then on.'
  })
}

export const OwnCertificate = Type.Object(
  {
    id: uuid(),
    certificateId: sha256,
    serialNumber: Type.String({ description: 'In hex.', examples: ['1f7d'] }),
    authority: Type.String({ description: 'The generation that signed it.', examples: ['acme-stations-g1'] }),
    ...life,
    certificatePem: Type.String({ examples: [example.chain] }),
    chainPem: Type.String({
      description: 'What the station shows: its certificate, the CA that signed it, and those between.',
      examples: [example.chain]
    }),
    replayed: Type.Boolean({
      description: 'True where the key had this certificate already, and it is not to be renewed yet.'
    })
  },
  {
    $id: 'OwnCertificate',
    ...strict,
    description: "A station's own certificate, by which it is let in as by its token."
  }
)

export const StandingCertificate = Type.Object(
  { certificateId: sha256, ...life },
  {
    ...strict,
    description:
      "The station's certificate that was issued here: the one that let it in, else the one that ends last. Not there where none would let it in."
  }
)

export type OwnCertificate = Static<typeof OwnCertificate>
