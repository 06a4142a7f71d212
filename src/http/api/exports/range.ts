/** Octets of a file, both inclusive. */
export interface OctetRange {
  readonly first: number
  readonly last: number
}

/**
 * The one range that is asked for (RFC 9110 §14.2). Undefined is the whole: where none is asked for, several are, or what is
 * asked for is no range of octets; and where If-Range (§13.1.5) names another file.
 */
export function parseRange(
  headers: Readonly<{ range?: string | undefined; 'if-range'?: string | string[] | undefined }>,
  etag: string,
  octets: number
): OctetRange | 'unsatisfiable' | undefined {
  const { range, 'if-range': condition } = headers
  if (condition !== undefined && condition !== etag) return undefined
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(range ?? '')
  const [, from = '', to = ''] = match ?? []
  if (match === null || (from === '' && to === '')) return undefined
  if (from === '') {
    const length = Math.min(Number(to), octets)
    return length === 0 ? 'unsatisfiable' : { first: octets - length, last: octets - 1 }
  }
  const first = Number(from)
  const last = to === '' ? octets - 1 : Math.min(Number(to), octets - 1)
  // Backwards is no range.
  if (to !== '' && Number(to) < first) return undefined
  return first >= octets ? 'unsatisfiable' : { first, last }
}
