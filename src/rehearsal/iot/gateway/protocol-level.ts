/**
 * The protocol level in a CONNECT packet: 3 for MQTT 3.1, 4 for 3.1.1, 5 for MQTT 5.
 *
 * @param octets the first ones of a connection.
 * @returns `more` while there are too few, undefined when this is no CONNECT.
 */
export function readProtocolLevel(octets: Uint8Array): number | 'more' | undefined {
  if (octets.length > 0 && octets[0] !== 0x10) return undefined
  let at = 1
  // The remaining length: up to four octets, each but the last with its highest bit set (MQTT 3.1.1 §2.2.3).
  while (at <= 4 && ((octets[at] ?? 0) & 0x80) !== 0) at++
  if (at > 4) return undefined
  const nameLength = ((octets[at + 1] ?? 0) << 8) | (octets[at + 2] ?? 0)
  if (octets.length > at + 2 && nameLength > 6) return undefined
  return octets.length > at + 2 ? (octets[at + 3 + nameLength] ?? 'more') : 'more'
}
