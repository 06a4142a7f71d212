import type { Kind } from '../kind.ts'

export interface S3Bucket {
  readonly bucket: string
  /** Before the names of what is put there; may be empty. */
  readonly prefix: string
}

const form = /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w.-]+(?:\/[\w.-]+)*))?\/?$/

/** A bucket, or a folder in one. */
export function s3Bucket(): Kind<S3Bucket> {
  return {
    parse(text) {
      const [, bucket, prefix = ''] = form.exec(text) ?? []
      if (bucket !== undefined) return { value: { bucket, prefix } }
      const expected = 'the name of a bucket, or bucket/prefix'
      return { refusals: [{ expected, found: text, message: 'Correct the name, e.g. acme-crls/factory.' }] }
    },
    describe: meaning => `${meaning}.`,
    show: ({ bucket, prefix }) => (prefix === '' ? bucket : `${bucket}/${prefix}`)
  }
}
