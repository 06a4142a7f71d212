import { deviceCriticalities, type LintCheck, lintChecks } from './lint-checks.ts'

/** The rules of a device certificate that are of its extensions, and are others for another purpose. */
const replaced: readonly string[] = ['extensionsKnown', 'criticality', 'extendedKeyUsage']

/**
 * The rules of a device certificate for one that has one more extension, which is not critical. What its key is for is left to
 * further rules.
 *
 * @param expected names all of its extensions.
 */
export function checksWithExtension(extensionOid: string, expected: string): readonly LintCheck[] {
  const criticalities = new Map([...deviceCriticalities, [extensionOid, false]])
  return [
    ...lintChecks.filter(({ name }) => !replaced.includes(name)),
    {
      name: 'extensionsKnown',
      source: 'the closed list of extensions',
      expected,
      check: ({ tbs }) => tbs.extensions.all.find(({ oid }) => !criticalities.has(oid))?.oid
    },
    {
      name: 'criticality',
      source: 'RFC 5280 §4.2.1',
      expected: 'basicConstraints and keyUsage critical, the others not',
      check: ({ tbs }) =>
        tbs.extensions.all.find(({ oid, critical }) => (criticalities.get(oid) ?? critical) !== critical)?.oid
    }
  ]
}
