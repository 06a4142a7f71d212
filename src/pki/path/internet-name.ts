/** How the names of RFC 5280 §4.2.1.10 that hold text are compared: as OpenSSL and GnuTLS do, letter case of ASCII aside. */

/** A base of a dNSName, or with a leading dot as some CAs write it. The empty one takes all. */
export function isBelowDomain(host: string, base: string): boolean {
  const [name, end] = [host.toLowerCase(), base.toLowerCase()]
  if (!name.endsWith(end)) return false
  return end === '' || end.startsWith('.') || name.length === end.length || name.at(-end.length - 1) === '.'
}

/** A base of an rfc822Name: a mailbox, a host, or with a leading dot all hosts below a domain. */
export function isBelowMailbox(address: string, base: string): boolean {
  const [local, host] = splitMailbox(address)
  const [baseLocal, baseHost] = splitMailbox(base)
  if (baseLocal === '' && baseHost.startsWith('.')) return host.endsWith(baseHost)
  return host === baseHost && (baseLocal === '' || local === baseLocal)
}

function splitMailbox(text: string): readonly [string, string] {
  const at = text.lastIndexOf('@')
  return [text.slice(0, Math.max(at, 0)), text.slice(at + 1).toLowerCase()]
}

/** OpenSSL holds such a common name against dNSName constraints where a certificate has no subjectAltName. */
export function isHostName(text: string): boolean {
  return /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)+$/i.test(text)
}
