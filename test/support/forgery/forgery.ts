import { expect } from 'vitest'
import type { Database } from '../../../src/database/database.ts'
import { buildAuthorityTbsCertificate } from '../../../src/pki/certificate/authority/tbs-certificate.ts'
import { parseTbsCertificate } from '../../../src/pki/certificate/certificate.ts'
import {
  buildTbsCertificate,
  type TbsCertificateContent
} from '../../../src/pki/certificate/tbs-certificate.ts'

/** A TBSCertificate of a P-256 authority again, with something else in it. */
export function rebuilt(tbsDer: Uint8Array, change: Partial<TbsCertificateContent>): Uint8Array {
  const tbs = parseTbsCertificate(tbsDer)
  return buildTbsCertificate({
    serialNumber: tbs.serialNumber,
    signatureAlgorithm: 'ecdsa-with-SHA256',
    issuerNameDer: tbs.issuerName.der,
    notBefore: tbs.notBefore,
    notAfter: tbs.notAfter,
    subjectNameDer: tbs.subjectName.der,
    spkiDer: tbs.subjectPublicKeyInfo.der,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    authorityKeyIdentifier: tbs.extensions.authorityKeyIdentifier!,
    ...change
  })
}

/** The same subject and key, as those of a CA. */
export function asAuthority(tbsDer: Uint8Array): Uint8Array {
  const tbs = parseTbsCertificate(tbsDer)
  const subjectKeyIdentifier = tbs.extensions.authorityKeyIdentifier!
  return buildAuthorityTbsCertificate({
    subject: tbs.subjectName.der,
    issuer: { subjectNameDer: tbs.issuerName.der, subjectKeyIdentifier },
    spkiDer: tbs.subjectPublicKeyInfo.der,
    notBefore: tbs.notBefore,
    notAfter: tbs.notAfter,
    serialNumber: tbs.serialNumber,
    signatureAlgorithm: 'ecdsa-with-SHA256'
  })
}

export interface RowChange {
  readonly table: 'intent' | 'issued' | 'aws_verification'
  readonly id: string
  readonly columns: Readonly<Record<string, unknown>>
}

/** Changes a row of an append-only table as one does who owns the database: with its guards off. */
export function changeRow(database: Database, change: RowChange): Promise<void> {
  return changeRows(database, [change])
}

/** Several, of one table. */
export async function changeRows({ prisma }: Database, changes: readonly RowChange[]): Promise<void> {
  const { table } = changes[0]!
  const partitions = await prisma.$queryRaw<{ name: string }[]>`
    SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = ${table}::regclass`
  const tables = [table, ...partitions.map(({ name }) => name)]
  for (const each of tables) await prisma.$executeRawUnsafe(`ALTER TABLE ${each} DISABLE TRIGGER append_only`)
  const key = table === 'issued' ? 'intent_id' : 'id'
  for (const { id, columns } of changes)
    for (const [column, value] of Object.entries(columns)) {
      const type = typeof value === 'string' && column.endsWith('_id') ? '::uuid' : ''
      const sql = `UPDATE ${table} SET ${column} = $1${type} WHERE ${key} = $2::uuid`
      expect(await prisma.$executeRawUnsafe(sql, value, id)).toBe(1)
    }
  for (const each of tables)
    await prisma.$executeRawUnsafe(`ALTER TABLE ${each} ENABLE ALWAYS TRIGGER append_only`)
}
