import type { ProblemDescription } from '../problem-description.ts'

/** Of lists that are made into files. */
export const exportProblems = {
  export_not_found: {
    status: 404,
    title: 'There is no such export',
    meaning: 'No export has this id, it was deleted, it is forgotten since long, or it is not yours.',
    remedy: 'Take an id of `GET /v1/exports`, or ask for the export anew.'
  },
  export_not_ready: {
    status: 409,
    title: 'The export has no file',
    meaning: 'It is not made yet, or it failed: `detail` says which, and why.',
    remedy:
      'Ask `GET /v1/exports/{id}` until its state is `done`. One that failed is asked for anew, once `failure` is put right.'
  },
  export_expired: {
    status: 410,
    title: 'The file of the export is gone',
    meaning: 'Files are kept for MINTLINE_EXPORT_DAYS.',
    remedy: 'Ask for the export anew.'
  },
  export_limit_reached: {
    status: 429,
    title: 'Too many exports',
    meaning: 'Too many exports wait to be made, or too many files are kept under this name.',
    remedy: 'Wait for those that are on their way, or delete those that nobody needs.'
  },
  export_too_large: {
    status: 422,
    title: 'The export is too large',
    meaning:
      'Its rows are too many, or all files together would take more than MINTLINE_EXPORT_MAXIMUM_SIZE. Seen in the `failure` of an export.',
    remedy:
      'Ask for it in parts, with `from` and `to`, for fewer `fields`, or delete exports that nobody needs.'
  },
  export_no_room: {
    status: 503,
    title: 'There is no room for exports',
    meaning:
      'Less than the reserve of the disk of the database is free, which is kept for certificates. Seen in the `failure` of an export.',
    remedy: 'Make room on the disk, then ask for the export anew.'
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The range begins behind the end of the file',
    meaning:
      'The `Range` header asks for octets that the file does not have. `Content-Range` says how many it has.',
    remedy: 'A file of that length that is there already is whole. Else read the file from its beginning.'
  }
} as const satisfies Readonly<Record<string, ProblemDescription>>
