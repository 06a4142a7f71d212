import { createHmac } from 'node:crypto'

/** By which PINs that tokens refused are known again: the PINs themselves are not kept. */
export interface PinMarks {
  of(tokenSerial: string, pin: string): PinMark
  /** Adds marks that the service knows. */
  learn(marks: readonly string[]): void
}

export interface PinMark {
  /** Such a PIN is not tried again, since a token locks itself. */
  isRefused(): boolean
  /** @returns the mark. */
  refuse(): string
}

export function createPinMarks(key: Uint8Array): PinMarks {
  const refused = new Set<string>()
  return {
    of(tokenSerial, pin) {
      const mark = createHmac('sha256', key).update(`${tokenSerial}\0${pin}`).digest('hex')
      return {
        isRefused: () => refused.has(mark),
        refuse() {
          refused.add(mark)
          return mark
        }
      }
    },
    learn(marks) {
      for (const mark of marks) refused.add(mark)
    }
  }
}
