import { createPrivateKey, hash } from 'node:crypto'
import { deviceDigest, thingDigest } from '../../../src/issuance/request.ts'
import { keyIdentifierOf } from '../../../src/pki/key/key-identifier.ts'
import { attributesOf } from '../../../src/pki/name/name.ts'
import { requestDigest } from '../../../src/records/requested-subject.ts'
import type { Product } from '../factory.ts'
import { type Model, spkiOf } from '../model.ts'
import { createSigner, signatureLength } from './keys.ts'

/** What makes a device's certificate another than the model's. */
export interface Device {
  readonly product: Product
  readonly commonName: string
  readonly serialNumber: string
  /** Uncompressed. */
  readonly point: Buffer
  /** As many octets as the model's. */
  readonly certificateSerial: Uint8Array
  /** Milliseconds since 1970. */
  readonly time: number
}

export interface MadeIntent {
  readonly tbsDer: Buffer
  /** With the model's signature. */
  readonly csrDer: Buffer
  readonly spkiSha256: Buffer
  readonly deviceSha256: Uint8Array
  readonly requestSha256: Uint8Array
}

export interface MadeCertificate {
  readonly certificateDer: Buffer
  readonly certificateId: Buffer
  readonly thing: string | null
}

/** The model's CSR and TBSCertificate as they would be of this device. */
export function makeIntent(model: Model, device: Device): MadeIntent {
  const { product, commonName, serialNumber, point, time } = device
  const { at, atCsr } = model
  const tbsDer = Buffer.from(model.tbsDer)
  const second = Math.floor(time / 1_000) * 1_000
  tbsDer.set(device.certificateSerial, at.serial)
  tbsDer.write(utcTime(second - model.backdateMinutes * 60_000), at.notBefore, 'latin1')
  tbsDer.write(utcTime(second + product.validityDays * 86_400_000), at.notAfter, 'latin1')
  tbsDer.set(point, at.point)
  tbsDer.set(keyIdentifierOf(point), at.keyIdentifier)
  const csrDer = Buffer.from(model.csrDer)
  csrDer.set(point, atCsr.point)
  for (const [der, places] of [
    [tbsDer, at],
    [csrDer, atCsr]
  ] as const) {
    der.write(commonName, places.commonName, 'latin1')
    der.write(serialNumber, places.serialNumber, 'latin1')
  }
  const subject = { ...product.subject, CommonName: commonName, SerialNumber: serialNumber }
  const spkiSha256 = hash('sha256', spkiOf(point), 'buffer')
  return {
    tbsDer,
    csrDer,
    spkiSha256,
    deviceSha256: product.namesThing
      ? thingDigest('', commonName)
      : deviceDigest(product.profile, ['CommonName'], subject),
    requestSha256: requestDigest(spkiSha256, attributesOf(subject), product.profile)
  }
}

const ecdsaWithSha256 = Buffer.from('300a06082a8648ce3d040302', 'hex')
const bitStringHead = Buffer.from([0x03, signatureLength + 1, 0])

/** Signs for the models' authorities: what it makes verifies. */
export function createCertifier(): (model: Model, tbsDer: Buffer, commonName: string) => MadeCertificate {
  const signers = new Map<string, (digest: Buffer) => Buffer>()
  const signerOf = (model: Model) => {
    const key = createPrivateKey({ key: Buffer.from(model.keyDer), format: 'der', type: 'pkcs8' })
    const signer = createSigner(key)
    signers.set(model.authority, signer)
    return signer
  }
  return (model, tbsDer, commonName) => {
    const sign = signers.get(model.authority) ?? signerOf(model)
    const signature = sign(hash('sha256', tbsDer, 'buffer'))
    const length = tbsDer.length + ecdsaWithSha256.length + bitStringHead.length + signature.length
    const head = Buffer.from([0x30, 0x82, length >> 8, length & 0xff])
    const certificateDer = Buffer.concat([head, tbsDer, ecdsaWithSha256, bitStringHead, signature])
    const certificateId = hash('sha256', certificateDer, 'buffer')
    const thing =
      model.thing === null
        ? null
        : model.thing
            .replace(model.commonName, commonName)
            .replaceAll(model.certificateIdHex, certificateId.toString('hex'))
    return { certificateDer, certificateId, thing }
  }
}

/** As DER has it until 2050 (RFC 5280, section 4.1.2.5.1). */
function utcTime(milliseconds: number): string {
  const iso = new Date(milliseconds).toISOString()
  return `${iso.slice(2, 4)}${iso.slice(5, 7)}${iso.slice(8, 10)}${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`
}
