/** What a witness answers: c2sp.org/tlog-witness. */
export interface WitnessAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

const plainText = 'text/plain; charset=utf-8'

/** The lines of its cosignatures. */
export function cosigned(lines: string): WitnessAnswer {
  return { status: 200, contentType: plainText, body: lines }
}

/** The log is to go on from that size. */
export function wrongSize(size: number): WitnessAnswer {
  return { status: 409, contentType: 'text/x.tlog.size', body: `${size}\n` }
}

export function refusal(status: number, sentence: string): WitnessAnswer {
  return { status, contentType: plainText, body: `${sentence}\n` }
}
