import {
  encodeElement,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeUnsignedInteger
} from '../../../pki/der/writer.ts'
import { encodeCertificatePem, encodeChainPem, encodePem } from '../../../pki/pem/pem.ts'
import type { Enrolled } from '../answer.ts'

type Chain = Enrolled['chainDer']

interface Format {
  /** Of a file, with the dot. */
  readonly extension: string
  readonly encode: (chain: Chain) => string | Uint8Array
}

/** The forms in which an answer is kept. */
export const formats = {
  pem: { extension: '.pem', encode: encodeChainPem },
  der: { extension: '.der', encode: chain => chain[0]! },
  pkcs7: { extension: '.p7b', encode: chain => encodePem('PKCS7', encodePkcs7(chain)) },
  'c-array': { extension: '.h', encode: encodeHeader },
  'esp-secure-cert': { extension: '.csv', encode: encodeEspSecureCert }
} as const satisfies Readonly<Record<string, Format>>

export type FormatName = keyof typeof formats

/** From 0 where the chain's tag of an implicit SET is. */
const certificatesTag = 0xa0
const explicitContent = 0xa0

/**
 * Certificates alone: a SignedData without content and signers (RFC 5652 §5.1), in the order of the chain, as OpenSSL writes
 * it. A strict DER would sort them.
 */
function encodePkcs7(chain: Chain): Uint8Array {
  const signedData = encodeSequence(
    encodeUnsignedInteger(Uint8Array.of(1)),
    encodeSetOf(),
    encodeSequence(encodeObjectIdentifier('1.2.840.113549.1.7.1')),
    encodeElement(certificatesTag, ...chain),
    encodeSetOf()
  )
  return encodeSequence(
    encodeObjectIdentifier('1.2.840.113549.1.7.2'),
    encodeElement(explicitContent, signedData)
  )
}

/** What a firmware build includes: the certificate in DER, and the chain in PEM with the NUL that Mbed TLS counts in. */
function encodeHeader(chain: Chain): string {
  return [
    '/* The certificate of one device, and the chain that it presents. Written by mintline enroll. */',
    '#pragma once',
    '#include <stddef.h>',
    '#include <stdint.h>',
    '',
    ...encodeArray('device_certificate_der', chain[0]!),
    '',
    ...encodeArray('device_chain_pem', Buffer.from(`${encodeChainPem(chain)}\0`)),
    ''
  ].join('\n')
}

const octetsPerLine = 12

function encodeArray(name: string, octets: Uint8Array): readonly string[] {
  const lines: string[] = []
  for (let start = 0; start < octets.length; start += octetsPerLine) {
    const line = octets.subarray(start, start + octetsPerLine)
    lines.push(`  ${[...line].map(octet => `0x${octet.toString(16).padStart(2, '0')},`).join(' ')}`)
  }
  return [
    `static const uint8_t ${name}[] = {`,
    ...lines,
    '};',
    `static const size_t ${name}_len = sizeof ${name};`
  ]
}

/**
 * The CSV that Espressif's configure_esp_secure_cert.py takes as --esp_secure_cert_csv: the device's certificate and those of
 * the CAs, each as PEM. The tool puts no more than one certificate in an entry. The row of the private key is not here: it
 * depends on where the device keeps that.
 */
function encodeEspSecureCert([certificate, ...authorities]: Chain): string {
  const row = (type: string, subtype: number, der: Uint8Array) =>
    `ESP_SECURE_CERT_${type}_TLV,${subtype},"${encodeCertificatePem(der).trimEnd()}",string,,,,,`
  return [
    'tlv_type,tlv_subtype,data_value,data_type,priv_key_type,algorithm,key_size,efuse_id,efuse_key',
    row('DEV_CERT', 0, certificate!),
    ...authorities.map((der, index) => row('CA_CERT', index, der)),
    ''
  ].join('\n')
}

/** Whether a file, in whatever of the formats, has the certificate of this key. */
export function holdsKey(file: Buffer, spkiDer: Buffer): boolean {
  if (file.includes(spkiDer)) return true
  const text = file.toString('latin1')
  const armoured = text.matchAll(/-----BEGIN (?:CERTIFICATE|PKCS7)-----([A-Za-z0-9+/=\s]+)-----END/g)
  const inHeader = [...text.matchAll(/\b0x([0-9a-f]{2})\b/g)].map(([, octet]) => octet).join('')
  return [
    Buffer.from(inHeader, 'hex'),
    ...[...armoured].map(([, base64]) => Buffer.from(base64!, 'base64'))
  ].some(der => der.includes(spkiDer))
}
