import { type CrlPart, crlPath } from '../scope.ts'

/** As the service has it, so that a server of files with the place as its root is a mirror of the service. */
export function crlFilePath(generation: string, part: CrlPart): string {
  return crlPath(generation, part).slice(1)
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
