import { Duplex } from 'node:stream'
import { generate, type Packet, parser } from 'mqtt-packet'
import { toVersion4, toVersion5 } from './mqtt5-packet.ts'

/** Not authorized, quota exceeded, administrative action, QoS not supported (MQTT 5 §3.14.2.1). */
type DisconnectReason = 0x87 | 0x97 | 0x98 | 0x9b

/**
 * The connection of a device that speaks MQTT 5, as a broker sees it that speaks MQTT 3.1.1. The packets are
 * translated one by one: properties of messages, wills and subscriptions do not pass, and a will is always sent at
 * once.
 */
export class Mqtt5Connection extends Duplex {
  readonly #socket: Duplex
  readonly #fromDevice = parser({ protocolVersion: 5 })
  readonly #fromBroker = parser({ protocolVersion: 4 })
  /** How many topic filters each UNSUBSCRIBE had, which its UNSUBACK must answer one by one. */
  readonly #unsubscriptions = new Map<number, number>()

  constructor(socket: Duplex) {
    super()
    this.#socket = socket
    this.#fromDevice.on('packet', packet => this.#takeFromDevice(packet))
    this.#fromDevice.on('error', (error: Error) => this.destroy(error))
    this.#fromBroker.on('packet', packet => this.#send(packet))
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.push(null))
    socket.on('close', () => this.destroy())
    socket.on('error', error => this.destroy(error))
  }

  /** Tells the device why it is about to lose the connection. */
  sayDisconnect(reasonCode: DisconnectReason): void {
    if (this.#socket.writable)
      this.#socket.write(generate({ cmd: 'disconnect', reasonCode }, { protocolVersion: 5 }))
  }

  /** Answers a CONNECT in the place of the broker, which would close without a word: not authorized. */
  refuseConnect(): void {
    const connack: Packet = { cmd: 'connack', sessionPresent: false, reasonCode: 0x87 }
    if (this.#socket.writable) this.#socket.write(generate(connack, { protocolVersion: 5 }))
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#fromBroker.parse(chunk)
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', () => done())
    else done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // What was said last still goes out.
    this.#socket.end(() => this.#socket.destroy())
    done(error)
  }

  #read(chunk: Buffer): void {
    try {
      this.#fromDevice.parse(chunk)
    } catch (error) {
      // What a device sends may be no MQTT at all.
      this.destroy(error as Error)
    }
  }

  #takeFromDevice(packet: Packet): void {
    if (packet.cmd === 'unsubscribe')
      this.#unsubscriptions.set(packet.messageId ?? 0, packet.unsubscriptions.length)
    const translated = toVersion4(packet)
    if (translated === 'will') this.destroy()
    else if (translated === undefined) this.destroy(new Error(`MQTT 5 ${packet.cmd} is not supported`))
    else if (!this.push(generate(translated, { protocolVersion: 4 }))) this.#socket.pause()
  }

  #send(packet: Packet): void {
    const count = this.#unsubscriptions.get(packet.messageId ?? 0) ?? 0
    if (packet.cmd === 'unsuback') this.#unsubscriptions.delete(packet.messageId ?? 0)
    const translated = toVersion5(packet, count)
    if (this.#socket.writable) this.#socket.write(generate(translated, { protocolVersion: 5 }))
  }
}
