/** Where status is told, below the public address. They never change: they stand in certificates, which outlive releases. */
export const statusPaths = {
  crl: (generation: string) => `/v1/authorities/${generation}/crl`,
  ocsp: (generation: string) => `/v1/ocsp/${generation}`,
  certificate: (generation: string) => `/v1/authorities/${generation}/certificate.cer`
} as const
