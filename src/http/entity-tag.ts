/**
 * Whether an If-None-Match header names an entity tag: the weak comparison of RFC 9110, section 13.1.2.
 *
 * @param etag with its quotes.
 */
export function namesTag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some(tag => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
}
