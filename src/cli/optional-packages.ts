import type { Violation } from '../errors/mintline-error.ts'
import { loadPkcs11Library } from '../signing/signers/pkcs11/cryptoki.ts'

const remedy =
  '`npm install pkcs11js` in the directory of Mintline says why: it needs python3, make and a C++ compiler.'

type Load = () => Promise<unknown>

/** A paragraph where a package is missing that npm leaves out without a word; nothing where all are there. */
export async function describeMissingPackages(load: Load = loadPkcs11Library): Promise<string> {
  if (await canLoad(load)) return ''
  return `The optional package pkcs11js is not installed: CA keys on a PKCS#11 token cannot be used.\n${remedy}\n`
}

/** What is set needs the package. */
export async function checkPackages(
  { pkcs11Module }: { readonly pkcs11Module: string | undefined },
  load: Load = loadPkcs11Library
): Promise<readonly Violation[]> {
  if (pkcs11Module === undefined || (await canLoad(load))) return []
  const expected = 'the optional package pkcs11js, which reads the module'
  return [{ pointer: 'MINTLINE_PKCS11_MODULE', expected, found: 'no such package', message: remedy }]
}

async function canLoad(load: Load): Promise<boolean> {
  return load().then(
    () => true,
    () => false
  )
}
