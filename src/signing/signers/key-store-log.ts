/** Told when a key store falls sick, and when it is well again. */
export interface KeyStoreLog {
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
}
