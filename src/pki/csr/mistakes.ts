export const keyAdvice =
  'it is a private key. Private keys never leave the device: take this one out of use and send only the CSR'
export const certificateAdvice = 'it is a certificate. Send the CSR that the device made'
export const publicKeyAdvice =
  'it is a bare public key. Send a CSR, which also proves that the device holds the private key'

/** What a PEM block with a label other than a CSR's holds. The label itself is shown only when it is harmless. */
export function describeLabel(label: string): string {
  if (label.includes('PRIVATE KEY')) return keyAdvice
  if (label === 'PUBLIC KEY' || label === 'RSA PUBLIC KEY') return publicKeyAdvice
  if (['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'].includes(label)) return certificateAdvice
  const shown = /^[A-Z0-9 ]{1,40}$/.test(label) ? ` "${label}"` : ''
  return `the PEM label${shown} is not "CERTIFICATE REQUEST"`
}

/** A field of a form in front of what may be a CSR: PEM, percent-encoded or not, or base64 of DER or of PEM. */
const formField = /(?:^|&)[A-Za-z_][\w.-]{0,40}=\s*(?:-{5}|%2D|%0A|MI[A-P]|LS0tLS1C)/i
const formAdvice =
  'it is a form. Send the file itself: `curl --data-binary @file -H "Content-Type: application/pkcs10"`'

/** Why a text that holds a CSR as a field of a web form is none, or `undefined`. */
export function describeForm(text: string): string | undefined {
  if (/^SPKAC=/.test(text)) return 'it is a SPKAC request. Send a PKCS#10 CSR'
  const isMultipart = /^--[^\r\n]+\r?\nContent-Disposition: form-data/i.test(text)
  return isMultipart || formField.test(text) ? formAdvice : undefined
}

/** Why a text without armour is no CSR, or `undefined` when it may be base64. */
export function describeOtherText(text: string): string | undefined {
  const trimmed = text.trimStart()
  if (trimmed === '') return 'it is empty'
  if (trimmed.startsWith('<')) return 'it is HTML or XML; perhaps an error page was saved instead of the CSR'
  if (/^[{["]/.test(trimmed)) {
    return 'it is JSON. Send the CSR itself, or JSON with Content-Type application/json'
  }
  return undefined
}
