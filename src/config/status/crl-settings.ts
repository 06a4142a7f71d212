import { directory, text, wholeNumber } from '../kind.ts'
import { optional, setting } from '../setting/setting.ts'
import { publicUrl } from './public-url.ts'
import { s3Bucket } from './s3-bucket.ts'

/** How long CRLs last, and where they are put besides. */
export const crlSettings = {
  crlValidityHours: setting(wholeNumber({ minimum: 2, maximum: 8_760, unit: 'hours' }), 168, {
    name: 'MINTLINE_CRL_VALIDITY_HOURS',
    meaning: 'from the thisUpdate to the nextUpdate of a CRL'
  }),
  crlOverlapHours: setting(wholeNumber({ minimum: 1, maximum: 8_759, unit: 'hours' }), 72, {
    name: 'MINTLINE_CRL_OVERLAP_HOURS',
    meaning:
      'before its nextUpdate, in which the next CRL is there already; less than MINTLINE_CRL_VALIDITY_HOURS'
  }),
  /** 0: there are no deltas. */
  crlDeltaBaseSeconds: setting(wholeNumber({ minimum: 0, maximum: 604_800, unit: 'seconds' }), 0, {
    name: 'MINTLINE_CRL_DELTA_BASE_SECONDS',
    meaning:
      'in which what changes goes into delta CRLs, before the next complete CRL says it; 0: into complete ones, and there are no deltas',
    needs: 'publicUrl'
  }),
  /** Undefined: they are put into none. */
  crlDirectory: optional(directory(), {
    name: 'MINTLINE_CRL_DIRECTORY',
    meaning: 'Directory, which is there, into which each new CRL is put as a file besides'
  }),
  /** Undefined, with the region: they are put into none. */
  crlS3Bucket: optional(s3Bucket(), {
    name: 'MINTLINE_CRL_S3_BUCKET',
    meaning: 'Bucket of S3, or bucket/prefix, into which each new CRL is put besides',
    togetherWith: 'MINTLINE_CRL_S3_REGION'
  }),
  crlS3Region: optional(text(), {
    name: 'MINTLINE_CRL_S3_REGION',
    meaning: 'Region of the bucket, e.g. eu-central-1'
  }),
  crlS3Endpoint: optional(publicUrl(), {
    name: 'MINTLINE_CRL_S3_ENDPOINT',
    defaultText: 'AWS',
    meaning: 'Address of the store that has the bucket, where it speaks as S3 does and is not AWS',
    needs: 'crlS3Bucket'
  })
}
