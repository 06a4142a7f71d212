import type { Duplex } from 'node:stream'
import { parser } from 'mqtt-packet'

/**
 * Tells how many topic filters each SUBSCRIBE has, before whoever reads from the connection sees the packet: a broker asks
 * about one filter after the other. The connection must carry MQTT 3.1.1, and have been read from by nobody yet.
 */
export function watchSubscribes(connection: Duplex, tell: (filterCount: number) => void): void {
  const packets = parser({ protocolVersion: 4 })
  packets.on('packet', packet => {
    if (packet.cmd === 'subscribe') tell(packet.subscriptions.length)
  })
  // What is no MQTT ends the connection elsewhere.
  packets.on('error', () => undefined)
  // It comes with each read, before the reader gets what was read.
  connection.on('data', (chunk: Buffer) => {
    try {
      packets.parse(chunk)
    } catch {
      // As above.
    }
  })
}
