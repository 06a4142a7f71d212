/** One line of NDJSON as it came. */
export interface Line {
  /** From 1; blank lines count. */
  readonly number: number
  /** Undefined where it is longer than is read. */
  readonly bytes: Buffer | undefined
}

interface LineLimits {
  readonly maximumLineBytes: number
  /** With the blank ones. The one that is beyond is given without its bytes, and is the last. */
  readonly maximumLines: number
  /** Ends the lines at once; what is left of the request is not read. */
  readonly signal: AbortSignal
  /** Told when all of the request has become lines. */
  readonly onWhole: () => void
}

const lineFeed = 0x0a

/**
 * The lines of a request that is still arriving, without the blank ones. It reads on when the next line is asked for, and
 * holds no more than one line and one piece of the request.
 *
 * @throws what the connection fails with in the middle of the request.
 */
export async function* readLines(
  request: AsyncIterable<Buffer>,
  limits: LineLimits
): AsyncGenerator<Line, void> {
  const { maximumLineBytes, maximumLines, signal, onWhole } = limits
  let number = 1
  let parts: Buffer[] = []
  let length = 0
  const endLine = (): Line => {
    const line = { number, bytes: length > maximumLineBytes ? undefined : Buffer.concat(parts) }
    number += 1
    parts = []
    length = 0
    return line
  }
  const add = (part: Buffer) => {
    length += part.length
    if (length <= maximumLineBytes) parts.push(part)
    else parts = []
  }
  for await (const chunk of readChunks(request, signal)) {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      add(chunk.subarray(start, end))
      start = end + 1
      if (number > maximumLines) return void (yield { number, bytes: undefined })
      const line = endLine()
      if (!isBlank(line)) yield line
    }
    add(chunk.subarray(start))
  }
  if (signal.aborted) return
  const last = endLine()
  if (last.number > maximumLines && !isBlank(last))
    return void (yield { number: last.number, bytes: undefined })
  if (!isBlank(last)) yield last
  onWhole()
}

/** Without destroying the request at an early end, which would take the answer with it. */
async function* readChunks(
  request: AsyncIterable<Buffer>,
  signal: AbortSignal
): AsyncGenerator<Buffer, void> {
  const iterator = request[Symbol.asyncIterator]()
  const aborted = new Promise<undefined>(resolve => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted])
    if (next === undefined || next.done === true) return
    yield next.value
  }
}

/** Spaces, tabs and carriage returns alone. */
function isBlank({ bytes }: Line): boolean {
  return bytes !== undefined && bytes.every(octet => octet === 0x20 || octet === 0x09 || octet === 0x0d)
}
