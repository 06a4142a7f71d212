/** Where an authority's key is. Kept with the authority; never the key, never a passphrase, PIN or credential. */
export type SignerReference = LocalReference | KmsReference | Pkcs11Reference

export interface LocalReference {
  readonly kind: 'local'
  /** A file name inside the key directory. */
  readonly keyFile: string
}

/** An asymmetric AWS KMS key with the usage SIGN_VERIFY. */
export interface KmsReference {
  readonly kind: 'kms'
  /** Key id or key ARN. Not an alias: an alias can be pointed at another key. */
  readonly keyId: string
  readonly region: string
}

/** A private key on a PKCS#11 token; the module and the PIN are settings of the service. */
export interface Pkcs11Reference {
  readonly kind: 'pkcs11'
  readonly tokenLabel: string
  readonly keyLabel: string
}
