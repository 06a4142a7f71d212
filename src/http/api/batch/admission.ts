import { MintlineError } from '../../../errors/mintline-error.ts'

/** Each holds some lines at work and some answers that nobody has read yet: a few megabytes at the most. */
const maximumBatches = 32
const maximumBatchesOfStation = 4
const retryAfterSeconds = 5

/** How many batches there are at once in this process. */
export interface BatchAdmission {
  /** @returns what gives the place back, once. @throws MintlineError `overloaded`. */
  admit(station: string): () => void
}

export function createBatchAdmission(): BatchAdmission {
  const ofStation = new Map<string, number>()
  let total = 0
  return {
    admit(station) {
      const own = ofStation.get(station) ?? 0
      if (own >= maximumBatchesOfStation) throw overloaded(`${own} batches of this station are`)
      if (total >= maximumBatches) throw overloaded(`${total} batches are`)
      total += 1
      ofStation.set(station, own + 1)
      let isGivenBack = false
      return () => {
        if (isGivenBack) return
        isGivenBack = true
        total -= 1
        const left = ofStation.get(station)! - 1
        if (left === 0) ofStation.delete(station)
        else ofStation.set(station, left)
      }
    }
  }
}

function overloaded(what: string): MintlineError {
  const detail = `${what} in hand, and no more are taken at once. Send this one again when one of them has ended.`
  return new MintlineError('overloaded', detail, { retryAfterSeconds })
}
