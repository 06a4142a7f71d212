/** Every octet of it stands in each certificate that names it. */
export const maximumPublicUrlLength = 200

/**
 * The address under which relying parties reach the service, as its paths are put behind it: absolute, `http` or `https`, without
 * user, query, fragment and slash at the end, in ASCII.
 *
 * @returns undefined for what is none.
 */
export function publicUrlOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, username, password, href } = new URL(text)
  const isUsable =
    ['http:', 'https:'].includes(protocol) && username === '' && password === '' && !/[?#]/.test(href)
  const url = href.replace(/\/+$/, '')
  return isUsable && url.length <= maximumPublicUrlLength ? url : undefined
}
