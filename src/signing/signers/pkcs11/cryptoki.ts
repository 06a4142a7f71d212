/**
 * What Mintline uses of `pkcs11js`, as it declares it (PKCS#11 v2.40). The package is optional and must not be needed to
 * compile.
 */
export interface Pkcs11Library extends Readonly<Record<ConstantName, number>> {
  readonly PKCS11: new () => Cryptoki
}

type ConstantName =
  | `CKA_${'CLASS' | 'EC_PARAMS' | 'EC_POINT' | 'ID' | 'KEY_TYPE' | 'LABEL' | 'MODULUS' | 'PUBLIC_EXPONENT'}`
  | `CKF_${'OS_LOCKING_OK' | 'RW_SESSION' | 'SERIAL_SESSION'}`
  | `CKF_USER_PIN_${'COUNT_LOW' | 'FINAL_TRY' | 'LOCKED'}`
  | `CKK_${'EC' | 'RSA'}`
  | `CKM_${'ECDSA' | 'RSA_PKCS'}`
  | `CKO_${'PRIVATE_KEY' | 'PUBLIC_KEY'}`
  | `CKR_KEY_${'FUNCTION_NOT_PERMITTED' | 'TYPE_INCONSISTENT'}`
  | `CKR_PIN_${'EXPIRED' | 'INCORRECT' | 'INVALID' | 'LEN_RANGE' | 'LOCKED'}`
  | `CKR_USER_${'ALREADY_LOGGED_IN' | 'PIN_NOT_INITIALIZED'}`
  | 'CKR_MECHANISM_INVALID'
  | 'CKR_SESSION_COUNT'
  | 'CKU_USER'

/** Of a slot, a session or an object. */
export type Handle = Buffer

export interface Attribute {
  readonly type: number
  readonly value?: number | boolean | string | Buffer
}

export interface TokenInfo {
  readonly label: string
  readonly serialNumber: string
  readonly flags: number
}

/** Each call throws an Error named `Pkcs11Error` with the CK_RV as `code`. */
export interface Cryptoki {
  load(modulePath: string): void
  C_Initialize(options?: { readonly flags: number }): void
  C_Finalize(): void
  C_GetSlotList(isTokenPresent: boolean): Handle[]
  C_GetTokenInfo(slot: Handle): TokenInfo
  C_GetSessionInfo(session: Handle): { readonly state: number }
  C_OpenSession(slot: Handle, flags: number): Handle
  C_CloseSession(session: Handle): void
  C_Login(session: Handle, userType: number, pin: string): void
  C_SetPIN(session: Handle, oldPin: string, newPin: string): void
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void
  C_FindObjects(session: Handle, maximumCount: number): Handle[]
  C_FindObjectsFinal(session: Handle): void
  C_GetAttributeValue(
    session: Handle,
    object: Handle,
    template: readonly Attribute[]
  ): { readonly type: number; readonly value: Buffer }[]
  C_SignInit(session: Handle, mechanism: { readonly mechanism: number }, key: Handle): void
  C_SignAsync(session: Handle, input: Buffer, output: Buffer): Promise<Buffer>
}

/** @throws Error when `pkcs11js` is not installed. */
export async function loadPkcs11Library(): Promise<Pkcs11Library> {
  const packageName: string = 'pkcs11js'
  const { default: library } = (await import(packageName)) as { readonly default: Pkcs11Library }
  return library
}
