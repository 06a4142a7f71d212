import { MintlineError } from '../errors/mintline-error.ts'

const whys = {
  device: 'it was certified for a device',
  'other-station': 'it was certified for another station',
  authority: 'it is the key of an authority',
  ended: "the station's certificate with it was ended, as after a theft"
} as const

/** Whose a key is else, or why it is nobody's any more. */
export function keyRefused(why: keyof typeof whys): MintlineError {
  return new MintlineError(
    'station_key_refused',
    `This key is not certified for the station: ${whys[why]}. Make a new key pair at the station, and send a CSR for that.`,
    {
      violations: [
        {
          pointer: '/csr/publicKey',
          expected: "a key that is the station's alone, and whose certificates stand",
          found: `another: ${whys[why]}`,
          message: 'Make a new key pair at the station.'
        }
      ]
    }
  )
}

export function exhausted(until: Date, now: Date): MintlineError {
  const retryAfterSeconds = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1_000))
  return new MintlineError(
    'station_certificates_exhausted',
    `The station has had ten certificates within an hour. Keep the key and the certificate that it has; another is issued from ${until.toISOString()} on.`,
    { retryAfterSeconds }
  )
}

export function inFlux(): MintlineError {
  return new MintlineError('overloaded', 'The rules are being changed at this moment. Send the CSR again.', {
    retryAfterSeconds: 1
  })
}

export function switchedOff(): MintlineError {
  return new MintlineError(
    'station_certificates_off',
    'Stations get no certificates of their own here. The administrator switches them on with MINTLINE_STATION_CERTIFICATES=on, once there is a line for stations and a station profile.'
  )
}
