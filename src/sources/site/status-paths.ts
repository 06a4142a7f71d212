/** Where status is told, below the public address. They never change: they stand in certificates, which outlive releases. */
export const statusPaths = {
  crl: (generation: string) => `/v1/authorities/${generation}/crl`,
  crlDelta: (generation: string) => `/v1/authorities/${generation}/crl/delta`,
  /** Of shard 3 of 64: 64 and 3. */
  crlShard: (generation: string, shards: number, shard: number) =>
    `/v1/authorities/${generation}/shards/${shards}/${shard}`,
  crlShardDelta: (generation: string, shards: number, shard: number) =>
    `/v1/authorities/${generation}/shards/${shards}/${shard}/delta`,
  ocsp: (generation: string) => `/v1/ocsp/${generation}`,
  certificate: (generation: string) => `/v1/authorities/${generation}/certificate.cer`
} as const
