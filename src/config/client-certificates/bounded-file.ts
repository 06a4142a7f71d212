import { readFile, stat } from 'node:fs/promises'

/** A CRL of 30,000 certificates; a longer one would hold up all that is asked meanwhile. */
const maximumBytes = 1_048_576

/** What a file of certificates holds. A pipe would never end. @throws the error of the file system. */
export async function readText(file: string): Promise<string> {
  const found = await stat(file)
  const refuse = (code: string) => Object.assign(new Error(code), { code, path: file })
  if (!found.isFile()) throw refuse('no file')
  if (found.size > maximumBytes) throw refuse(`longer than ${maximumBytes} octets`)
  return readFile(file, 'utf8')
}
