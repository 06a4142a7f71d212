import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { epochCount, placeholderOf, type Product, products } from './factory.ts'
import { markOf } from './preparation.ts'

/** An issuance of the service's own, and where in its bytes stands what differs from device to device. */
export interface Model {
  readonly tbsDer: Buffer
  readonly csrDer: Buffer
  /** JSON; null where the template makes no thing. */
  readonly thing: string | null
  readonly certificateIdHex: string
  /** The placeholder. */
  readonly commonName: string
  readonly profileVersionId: Buffer
  readonly profileVersion: number
  readonly authorityId: Buffer
  readonly authority: string
  /** PKCS#8 of the authority's key. */
  readonly keyDer: Buffer
  readonly backdateMinutes: number
  readonly at: {
    readonly serial: number
    readonly notBefore: number
    readonly notAfter: number
    readonly point: number
    readonly keyIdentifier: number
    readonly commonName: number
    readonly serialNumber: number
  }
  /** The same in the CSR. */
  readonly atCsr: { readonly point: number; readonly commonName: number; readonly serialNumber: number }
}

interface ModelRow {
  readonly tbs_der: Buffer
  readonly csr_der: Buffer
  readonly serial_number: Buffer
  readonly certificate_id: Buffer
  readonly thing: string | null
  readonly profile_version_id: string
  readonly profile_version: number
  readonly backdate: number
  readonly authority_id: string
  readonly authority: string
  readonly key_file: string
}

/** What stands before the point of P-256 in a SubjectPublicKeyInfo. */
const spkiHead = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')
/** Validity of two UTCTime. */
const validityHead = Buffer.from('301e170d', 'hex')
/** SubjectKeyIdentifier (RFC 5280, section 4.2.1.2) of 20 octets. */
const keyIdentifierHead = Buffer.from('0603551d0e04160414', 'hex')

export const spkiOf = (point: Buffer) => Buffer.concat([spkiHead, point])

/** @returns those of each epoch, in the order of the products. */
export async function loadModels(
  client: pg.Client,
  dataDirectory: string,
  ids: readonly (readonly string[])[]
): Promise<Model[][]> {
  const passphrase = (await readFile(join(dataDirectory, 'ca-passphrase'), 'utf8')).trim()
  const keys = new Map<string, KeyObject>()
  const keyOf = async (file: string): Promise<KeyObject> => {
    const pem = await readFile(join(dataDirectory, 'authorities', file))
    const key = keys.get(file) ?? createPrivateKey({ key: pem, passphrase })
    keys.set(file, key)
    return key
  }
  const models: Model[][] = []
  for (let epoch = 0; epoch < epochCount; epoch++) {
    const ofEpoch: Model[] = []
    for (const [index, product] of products.entries()) {
      const row = await findRow(client, ids[epoch]![index]!)
      ofEpoch.push(modelOf(row, { product, epoch, key: await keyOf(row.key_file) }))
    }
    models.push(ofEpoch)
  }
  return models
}

async function findRow(client: pg.Client, id: string): Promise<ModelRow> {
  const { rows } = await client.query<ModelRow>(
    `SELECT intent.tbs_der, intent.csr_der, serial_number, certificate_id, issued.thing::text, profile_version_id, authority_id,
            profile_version.version AS profile_version, authority.name AS authority,
            (document ->> 'backdateMinutes')::int AS backdate, signer ->> 'keyFile' AS key_file
     FROM intent JOIN issued ON issued.intent_id = intent.id
     JOIN profile_version ON profile_version.id = profile_version_id
     JOIN authority ON authority.id = authority_id
     WHERE intent.id = $1`,
    [id]
  )
  return rows[0]!
}

interface ModelOf {
  readonly product: Product
  readonly epoch: number
  readonly key: KeyObject
}

function modelOf(row: ModelRow, { product, epoch, key }: ModelOf): Model {
  const { tbs_der: tbsDer, csr_der: csrDer } = row
  const placeholder = placeholderOf(product)
  const commonName = markOf(placeholder.CommonName, epoch)
  const validity = place(tbsDer, validityHead) + validityHead.length
  const ofSubject = (der: Buffer) => ({
    point: place(der, spkiHead) + spkiHead.length,
    commonName: place(der, Buffer.from(commonName)),
    serialNumber: place(der, Buffer.from(placeholder.SerialNumber))
  })
  return {
    tbsDer,
    csrDer,
    thing: row.thing,
    certificateIdHex: row.certificate_id.toString('hex'),
    commonName,
    profileVersionId: bytesOf(row.profile_version_id),
    profileVersion: row.profile_version,
    authorityId: bytesOf(row.authority_id),
    authority: row.authority,
    keyDer: key.export({ type: 'pkcs8', format: 'der' }),
    backdateMinutes: row.backdate,
    at: {
      serial: place(tbsDer, row.serial_number),
      notBefore: validity,
      notAfter: validity + 15,
      keyIdentifier: place(tbsDer, keyIdentifierHead) + keyIdentifierHead.length,
      ...ofSubject(tbsDer)
    },
    atCsr: ofSubject(csrDer)
  }
}

/** Where the bytes stand, which they must once. */
function place(der: Buffer, bytes: Uint8Array): number {
  const at = der.indexOf(bytes)
  if (at < 0 || der.includes(bytes, at + 1)) throw new Error('the model is not what it is taken for')
  return at
}

function bytesOf(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex')
}
