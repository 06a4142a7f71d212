/**
 * RFC 8785 (JCS) of what JSON makes of the value: what JSON drops or turns to text on the way into the database is so here,
 * too. Half of a surrogate pair, which RFC 8785 has no form for, stands as JSON.stringify escapes it.
 *
 * @throws TypeError for what JSON has nothing for, such as a function or undefined.
 */
export function canonicalJson(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined
  if (json === undefined) throw new TypeError('There is no JSON for this value')
  return write(JSON.parse(json) as unknown)
}

/** Numbers and texts are as ECMAScript writes them: RFC 8785 §3.2.2. Names stand in the order of their UTF-16 code units: §3.2.3. */
function write(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  const members = value as Readonly<Record<string, unknown>>
  const names = Object.keys(members).sort()
  return `{${names.map(name => `${JSON.stringify(name)}:${write(members[name])}`).join(',')}}`
}
