const smallPrimes = primesBelow(752)

/**
 * The small primes in groups whose product stays below 2^48: one long division serves a whole group, the rest is
 * plain number arithmetic.
 */
const primeGroups = groupPrimes(smallPrimes, 2 ** 48)

/** Primes that tell ROCA moduli apart: those up to 167 modulo which 65537 does not generate every residue. */
const rocaResidues: ReadonlyMap<number, ReadonlySet<number>> = new Map(
  smallPrimes
    .filter(prime => prime > 2 && prime <= 167)
    .map(prime => [prime, powersModulo(65537, prime)] as const)
    .filter(([prime, powers]) => powers.size < prime - 1)
)

const fermatRounds = 100

/** The test that a key fails, for programs. A closed list: clients branch on it. */
export type KeyWeakness =
  | 'small-factor'
  | 'roca'
  | 'close-primes'
  /** Of the public exponent: even, or below 65537. */
  | 'exponent'
  /** Its digest is on a list of keys that are known to others. */
  | 'known-weak'

export interface ModulusFault {
  readonly weakness: KeyWeakness
  /** For people. */
  readonly found: string
}

/**
 * Why an RSA modulus is weak, or `undefined`. It looks for factors below 752, the fingerprint of ROCA
 * (CVE-2017-15361: Infineon's generator, primes of the form k·M + 65537^a mod M) and primes so close together
 * that 100 rounds of Fermat's method find them.
 */
export function modulusFault(modulus: bigint): ModulusFault | undefined {
  let looksLikeRoca = true
  for (const { product, primes } of primeGroups) {
    const rest = Number(modulus % product)
    for (const prime of primes) {
      const residue = rest % prime
      if (residue === 0)
        return { weakness: 'small-factor', found: `a modulus with the small factor ${prime}` }
      const roca = rocaResidues.get(prime)
      if (roca !== undefined && !roca.has(residue)) looksLikeRoca = false
    }
  }
  if (looksLikeRoca)
    return { weakness: 'roca', found: 'a modulus with the ROCA fingerprint (CVE-2017-15361)' }
  if (!hasCloseFactors(modulus)) return undefined
  return { weakness: 'close-primes', found: 'a modulus whose two primes are close together' }
}

/** Fermat's method: n = a² − b² with a close to √n. */
function hasCloseFactors(modulus: bigint): boolean {
  let a = integerSquareRoot(modulus)
  if (a * a === modulus) return true
  a += 1n
  let candidate = a * a - modulus
  for (let round = 0; round < fermatRounds; round++) {
    if (isSquare(candidate)) return true
    candidate += 2n * a + 1n
    a += 1n
  }
  return false
}

const squaresModulo64 = new Set(Array.from({ length: 64 }, (_, i) => (i * i) % 64))
const squareFilter = [63, 65, 11, 17, 19, 23, 29, 31].map(
  modulus => [modulus, new Set(Array.from({ length: modulus }, (_, i) => (i * i) % modulus))] as const
)
const squareFilterProduct = 63n * 65n * 11n * 17n * 19n * 23n * 29n * 31n

/** Residues rule out all but one in some thousand non-squares before the costly root is taken. */
function isSquare(value: bigint): boolean {
  if (!squaresModulo64.has(Number(BigInt.asUintN(6, value)))) return false
  const residue = Number(value % squareFilterProduct)
  if (!squareFilter.every(([modulus, squares]) => squares.has(residue % modulus))) return false
  const root = integerSquareRoot(value)
  return root * root === value
}

/** ⌊√value⌋ by Newton's method from above. */
function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value
  const bits = value.toString(16).length * 4
  const shift = BigInt(Math.max(0, bits - 52) & ~1)
  // The leading 52 bits give a first guess above the root that is right to about 26 bits.
  const leading = Math.ceil(Math.sqrt(Number(value >> shift) + 1))
  let root = BigInt(leading) << (shift / 2n)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

function primesBelow(limit: number): readonly number[] {
  const primes: number[] = []
  for (let n = 2; n < limit; n++) if (primes.every(prime => n % prime !== 0)) primes.push(n)
  return primes
}

function groupPrimes(
  primes: readonly number[],
  limit: number
): readonly { readonly product: bigint; readonly primes: readonly number[] }[] {
  const groups: { product: number; primes: number[] }[] = []
  for (const prime of primes) {
    const last = groups.at(-1)
    if (last !== undefined && last.product * prime < limit) {
      last.product *= prime
      last.primes.push(prime)
    } else groups.push({ product: prime, primes: [prime] })
  }
  return groups.map(group => ({ product: BigInt(group.product), primes: group.primes }))
}

function powersModulo(base: number, modulus: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * base) % modulus) powers.add(power)
  return powers
}
