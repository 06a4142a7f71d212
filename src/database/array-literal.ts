/**
 * A `bytea[]` in PostgreSQL's text form, to be passed as one string and cast in SQL (`$1::bytea[]`). Prisma would
 * take the buffers themselves by way of base64 and JSON, one by one; one string per column costs half of that.
 */
export function byteaArray(values: readonly (Uint8Array | null)[]): string {
  return `{${values.map(byteaElement).join(',')}}`
}

/** The backslash is doubled for the array's own syntax; hexadecimal digits need no quotes. */
function byteaElement(bytes: Uint8Array | null): string {
  if (bytes === null) return 'NULL'
  return `\\\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}
