import { X509Certificate } from 'node:crypto'
import { isProviderUrl, type PersonRole, personRoles } from '../../access/oidc/provider/settings.ts'
import type { Kind } from '../kind.ts'

const issuerExpected =
  'https://host or https://host/path as it stands in "iss", or http:// with 127.0.0.1, [::1] or localhost; no user, password, query or fragment'

/** The identifier of an identity provider (OpenID Connect Discovery 1.0 §3). It is compared as it was written. */
export function issuerUrl(): Kind<string> {
  return {
    parse(value) {
      const { search = '', username = '', password = '' } = URL.parse(value) ?? {}
      const hidden = `${search}${username}${password}`
      if (isProviderUrl(value) && hidden === '' && !/[?#]/.test(value)) return { value }
      const found = hidden === '' ? value : 'a URL with a user, a password or a query (not shown)'
      return { refusals: [{ expected: issuerExpected, found, message: 'Correct the URL.' }] }
    },
    describe: meaning => `${meaning}.`,
    show: String
  }
}

/** A member's name, or a JSON pointer (RFC 6901). */
export function claim(): Kind<string> {
  return {
    parse(value) {
      if (!/\p{C}/u.test(value) && value.length <= 255 && isPointerOrName(value)) return { value }
      const expected = 'the name of a claim, or a JSON pointer such as /realm_access/roles'
      return { refusals: [{ expected, found: value, message: 'Correct the name.' }] }
    },
    describe: meaning => `${meaning}: its name, or a JSON pointer such as /realm_access/roles.`,
    show: String
  }
}

function isPointerOrName(text: string): boolean {
  return !text.startsWith('/') || (text.length > 1 && !/~(?![01])/.test(text))
}

/** Some names, with commas between. */
export function names(): Kind<readonly string[]> {
  return {
    parse(value) {
      const given = value.split(',').map(each => each.trim())
      if (!given.includes('')) return { value: given }
      const refusal = { expected: 'names with commas between', found: value, message: 'Correct the names.' }
      return { refusals: [refusal] }
    },
    describe: meaning => `${meaning}, with commas between.`,
    show: list => list.join(',')
  }
}

const rolesExpected = `value=role with commas between, each value once; roles are ${personRoles.join(', ')}`

/** What stands in a claim → the role that it gives. A value may have an equals sign, and no comma. */
export function roleMapping(): Kind<Readonly<Record<string, PersonRole>>> {
  return {
    parse(value) {
      const pairs = value.split(',').map(each => each.trim())
      const read = pairs.map(readPair)
      const wrong = pairs.filter((_pair, at) => {
        const [name, role] = read[at]!
        return name === '' || role === undefined || read.findIndex(each => each[0] === name) !== at
      })
      const refusals = wrong.map(found => ({
        expected: rolesExpected,
        found,
        message: found.endsWith('=station')
          ? 'Stations do not sign in so: their tokens are made with POST /v1/tokens.'
          : 'Correct the pair.'
      }))
      const entries = read.filter((pair): pair is [string, PersonRole] => pair[1] !== undefined)
      return refusals.length > 0 ? { refusals } : { value: Object.freeze(Object.fromEntries(entries)) }
    },
    describe: meaning => `${meaning}: value=role with commas between; roles are ${personRoles.join(', ')}.`,
    show: mapping =>
      Object.entries(mapping)
        .map(pair => pair.join('='))
        .join(',')
  }
}

function readPair(pair: string): [string, PersonRole | undefined] {
  const at = pair.lastIndexOf('=')
  const role = pair.slice(at + 1).trim()
  return [pair.slice(0, Math.max(at, 0)).trim(), personRoles.find(each => each === role)]
}

/** Whether a text holds certificates in PEM, and nothing that only looks like one. */
export function holdsCertificates(text: string): boolean {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  try {
    return found.length > 0 && found.every(pem => new X509Certificate(pem).serialNumber !== '')
  } catch {
    return false
  }
}
