/** Byte order mark, or ASCII with every other byte zero. */
export function isUtf16(input: Uint8Array): boolean {
  const [a, b, c, d] = input
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return true
  const isAscii = (octet: number | undefined): boolean => octet !== undefined && octet >= 0x09 && octet < 0x7f
  return (isAscii(a) && b === 0 && isAscii(c) && d === 0) || (a === 0 && isAscii(b) && c === 0 && isAscii(d))
}
