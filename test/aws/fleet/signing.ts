import type { TestCore } from '../../support/core.ts'

/** The CA's own signer, as one has it who got hold of the key. */
export async function openSignerOf({ database, openSigner }: Pick<TestCore, 'database' | 'openSigner'>) {
  const { signer } = await database.prisma.authority.findUniqueOrThrow({ where: { name: 'starter-g1' } })
  return openSigner(signer as never)
}
