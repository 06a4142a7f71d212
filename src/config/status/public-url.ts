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
