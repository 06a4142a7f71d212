import { maximumPublicUrlLength, publicUrlOf } from '../../sources/site/public-url.ts'
import type { Kind } from '../kind.ts'

/** The address that certificates name. No secret: everybody who has a certificate has it. */
export function publicUrl(): Kind<string> {
  return {
    parse(text) {
      const value = publicUrlOf(text)
      if (value !== undefined) return { value }
      const expected = `http://host or https://host, with a port and a path or without, no user, query or fragment, at most ${maximumPublicUrlLength} characters`
      return {
        refusals: [
          {
            expected,
            // A user's password may stand in it.
            found: text.includes('@') ? 'an address with a user (not shown)' : text,
            message: 'Correct the address, e.g. http://pki.example.com.'
          }
        ]
      }
    },
    describe: meaning => `${meaning}.`,
    show: String
  }
}

/** Several, with commas between; not more than that many. */
export function publicUrls(maximum: number): Kind<readonly string[]> {
  const one = publicUrl()
  return {
    parse(text) {
      const read = text.split(',').map(each => one.parse(each.trim()))
      const refusals = read.flatMap(each => ('refusals' in each ? each.refusals : []))
      if (refusals.length > 0) return { refusals }
      if (read.length <= maximum)
        return { value: read.flatMap(each => (each.value === undefined ? [] : [each.value])) }
      const expected = `at most ${maximum} addresses`
      return { refusals: [{ expected, found: String(read.length), message: 'Leave out the oldest.' }] }
    },
    describe: meaning => `${meaning}. Addresses, with commas between.`,
    show: urls => urls.join(',')
  }
}
