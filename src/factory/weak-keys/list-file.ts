import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Violation } from '../../errors/mintline-error.ts'
import { createDigestTable, digestLength, type DigestTable } from './digest-table.ts'

/** Of all files together. Debian's lists have some hundred thousand. */
const maximumListedKeys = 1_000_000

/** A line that is longer is no digest, and is not waited for to its end. */
const longestLine = 512
/** No shorter line is a digest, with its end. */
const shortestLine = 2 * digestLength + 1

/** What is wrong with a list, and where. */
export class ListFault extends Error {
  readonly violation: Omit<Violation, 'pointer'>

  constructor(violation: Omit<Violation, 'pointer'>) {
    super(violation.found)
    this.violation = violation
  }
}

/**
 * Reads a list piece by piece. A line is empty, a comment (`#`), or a digest in hexadecimal:
 *
 * - 20 digits: the last ten octets of the SHA-1 over `Modulus=`, the modulus as `openssl rsa -modulus` prints it, and
 *   a newline, as in the files of Debian's openssl-blacklist that openssl-vulnkey reads;
 * - 64 digits: the SHA-256 of the SubjectPublicKeyInfo. The first ten octets tell it from others well enough.
 *
 * @throws ListFault with the file and the line.
 */
function createListReader(file: string, take: (digest: Uint8Array) => void) {
  let number = 0
  let rest = ''

  function takeLine(written: string): void {
    number++
    const line = written.trim()
    if (line === '' || line.startsWith('#')) return
    if (!/^(?:[0-9A-Fa-f]{20}|[0-9A-Fa-f]{64})$/.test(line)) throw badLine(`${file}:${number}`, line)
    take(Buffer.from(line.slice(0, 2 * digestLength), 'hex'))
  }

  return {
    feed(piece: Buffer) {
      const lines = (rest + piece.toString('latin1')).split('\n')
      rest = lines.pop()!
      for (const line of lines) takeLine(line)
      // A comment may be long, and is thrown away as it comes.
      if (rest.length > longestLine && !rest.startsWith('#')) throw badLine(`${file}:${number + 1}`, rest)
      rest = rest.slice(0, longestLine)
    },
    end() {
      if (rest !== '') takeLine(rest)
    }
  }
}

function badLine(place: string, line: string): ListFault {
  return new ListFault({
    expected: '20 hexadecimal digits (openssl-blacklist), 64 (SHA-256 of the SPKI), or a comment (#)',
    found: `${place}: ${JSON.stringify(line.slice(0, 40))}`,
    message: 'Correct the line, or leave the file out.'
  })
}

function tooMany(file: string): ListFault {
  return new ListFault({
    expected: `at most ${maximumListedKeys} keys in all files`,
    found: `more, reached in ${file}`,
    message: 'Leave out the lists of sizes that no profile accepts.'
  })
}

function unreadable(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  return new ListFault({
    expected: 'a file that can be read',
    found: `${file} (${String(error.code)})`,
    message: 'Check path, owner and mode.'
  })
}

const pieceLength = 64 * 1024

/** Reads all files, a little at a time, so that a service that runs is not held up. @throws ListFault. */
export async function readLists(files: readonly string[]): Promise<DigestTable> {
  const sizes = await Promise.all(files.map(sizeOf))
  const most = Math.ceil(sizes.reduce((sum, size) => sum + size, files.length) / shortestLine)
  const table = createDigestTable(Math.min(most, maximumListedKeys) + files.length)
  for (const file of files) {
    const reader = createListReader(file, digest => {
      table.add(digest)
      if (table.size > maximumListedKeys) throw tooMany(file)
    })
    try {
      for await (const piece of createReadStream(file, { highWaterMark: pieceLength }))
        reader.feed(piece as Buffer)
      reader.end()
    } catch (error) {
      throw error instanceof RangeError ? tooMany(file) : unreadable(file, error)
    }
  }
  return table
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    throw unreadable(file, error)
  }
}
