import type { IConnackPacket, IConnectPacket, Packet } from 'mqtt-packet'

/** The sender of a DISCONNECT wants its will sent (MQTT 5 §3.14.2.1). */
const disconnectWithWill = 0x04

/**
 * A packet of a device, as MQTT 3.1.1 has it: `will` for a DISCONNECT that there is only by closing the connection,
 * undefined for what has no counterpart.
 */
export function toVersion4(packet: Packet): Packet | 'will' | undefined {
  switch (packet.cmd) {
    case 'connect':
      return packet.properties?.authenticationMethod === undefined ? toConnect(packet) : undefined
    case 'publish': {
      const { cmd, topic, payload, qos, dup, retain, messageId } = packet
      return withMessageId({ cmd, topic, payload, qos, dup, retain }, messageId)
    }
    case 'subscribe': {
      const subscriptions = packet.subscriptions.map(({ topic, qos }) => ({ topic, qos }))
      return withMessageId({ cmd: 'subscribe', subscriptions }, packet.messageId)
    }
    case 'unsubscribe':
      return withMessageId({ cmd: 'unsubscribe', unsubscriptions: packet.unsubscriptions }, packet.messageId)
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return withMessageId({ cmd: packet.cmd }, packet.messageId)
    case 'pingreq':
      return { cmd: 'pingreq' }
    case 'disconnect':
      return packet.reasonCode === disconnectWithWill ? 'will' : { cmd: 'disconnect' }
    case 'auth':
    case 'connack':
    case 'suback':
    case 'unsuback':
    case 'pingresp':
      return undefined
  }
}

/** User name and password are left out: a device is known by its certificate alone. */
function toConnect({ clientId, clean, keepalive, will }: IConnectPacket): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId,
    clean: clean ?? true,
    keepalive: keepalive ?? 0,
    ...(will === undefined ? {} : { will: plainWill(will) })
  }
}

function plainWill({ topic, payload, qos = 0, retain = false }: NonNullable<IConnectPacket['will']>) {
  return { topic, payload, qos, retain }
}

/** Return codes of a CONNACK (MQTT 3.1.1 §3.2.2.3) → reason codes (MQTT 5 §3.2.2.2). */
const reasonCodes: Readonly<Record<number, number>> = { 0: 0x00, 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 }

/** What AWS IoT says of itself, as far as the stand-in keeps to it. */
const serverProperties: NonNullable<IConnackPacket['properties']> = {
  maximumQoS: 1,
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: false,
  sharedSubscriptionAvailable: false
}

/**
 * A packet of the broker, as MQTT 5 has it.
 *
 * @param filterCount how many topic filters an UNSUBACK answers for.
 */
export function toVersion5(packet: Packet, filterCount: number): Packet {
  if (packet.cmd === 'connack') {
    const reasonCode = reasonCodes[packet.returnCode ?? 0] ?? 0x80
    return { cmd: 'connack', sessionPresent: packet.sessionPresent, reasonCode, properties: serverProperties }
  }
  if (packet.cmd === 'suback')
    return { ...packet, granted: (packet.granted as number[]).map(code => (code === 0x80 ? 0x87 : code)) }
  if (packet.cmd === 'unsuback') return { ...packet, granted: new Array<number>(filterCount).fill(0) }
  return packet
}

function withMessageId<Body extends Packet>(packet: Body, messageId: number | undefined): Body {
  return messageId === undefined ? packet : { ...packet, messageId }
}
