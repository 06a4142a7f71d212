/** What a PKCS#11 module needs as any program does; SOFTHSM2_CONF says where the tokens of SoftHSM are. */
const always = ['PATH', 'HOME', 'LANG', 'LC_*', 'TZ', 'TMPDIR', 'SOFTHSM2_CONF']

/**
 * What the process of a PKCS#11 module gets of the service's environment: neither credentials of AWS nor the database's
 * address.
 *
 * @param names further variables; one that ends in `*` stands for all that begin so.
 */
export function readModuleEnvironment(names: readonly string[] = []): Readonly<Record<string, string>> {
  const wanted = [...always, ...names]
  const isWanted = (variable: string) =>
    wanted.some(name => (name.endsWith('*') ? variable.startsWith(name.slice(0, -1)) : variable === name))
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && isWanted(entry[0])
  )
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)))
}
