import { statusPaths } from '../../../sources/site/status-paths.ts'
import type { CrlPart } from '../scope.ts'

/** As the service has it, so that a server of files with the place as its root is a mirror of the service. */
export function crlFilePath(generation: string, { shards, shard }: CrlPart): string {
  const path = shards === 0 ? statusPaths.crl(generation) : statusPaths.crlShard(generation, shards, shard)
  return path.slice(1)
}

/** As operators are told of a bucket. */
export function s3TargetName({
  bucket,
  prefix
}: {
  readonly bucket: string
  readonly prefix: string
}): string {
  return `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`
}
