/** The product of all. Of two of about the same size each time: that is what multiplication of long numbers is quick at. */
export function productOf(values: readonly bigint[]): bigint {
  let level = values
  while (level.length > 1) level = pairsOf(level, (one, other) => one * other)
  return level[0] ?? 1n
}

/** The product of these modulo `modulus`. */
export function productModulo(values: readonly bigint[], modulus: bigint): bigint {
  return values.reduce((product, value) => (product * (value % modulus)) % modulus, 1n % modulus)
}

/**
 * Of each modulus the greatest factor that it has in common with the product of all others: 1 where it shares none, the
 * modulus itself where it shares both primes. In time that grows little faster than the number of moduli, and memory for
 * some 20 times their length.
 *
 * It is Bernstein's batch GCD ("How to find smooth parts of integers", 2004; "Scaled remainder trees", 2004), but for the
 * squares: the sum of P/n over the moduli n, P their product, is modulo n the product of all others.
 *
 * @param moduli different ones, each above 1.
 * @param outside the product of all that are not among them, modulo the product of these; 1 where there are none.
 */
export function sharedFactors(moduli: readonly bigint[], outside: bigint): readonly bigint[] {
  if (moduli.length === 0) return []
  const { levels, cofactors } = treeOf(moduli)
  const root = levels.at(-1)![0]!
  const rest = (cofactors * outside) % root.product
  let fractions: readonly bigint[] = [(rest << digitsOf(root)) / root.product]
  for (let height = levels.length - 2; height >= 0; height--)
    fractions = fractionsBelow(fractions, levels[height]!)
  return levels[0]!.map((leaf, i) => {
    const half = 1n << (digitsOf(leaf) - 1n)
    const others = (fractions[i]! * leaf.product + half) >> digitsOf(leaf)
    return greatestCommonDivisor(leaf.product, others)
  })
}

interface Node {
  readonly product: bigint
  /** Not less bits than the product has. */
  readonly bits: bigint
}

/** Digits of a fraction beyond those of the node: each level may be wrong in the last one. */
const guardBits = 64n

const digitsOf = ({ bits }: Node) => bits + guardBits

interface Tree {
  /** The moduli, the products of two neighbours each, and so on up to the product of all. */
  readonly levels: readonly (readonly Node[])[]
  /** The sum of the product of all divided by each modulus. */
  readonly cofactors: bigint
}

function treeOf(moduli: readonly bigint[]): Tree {
  const bits = BigInt(moduli.reduce((most, modulus) => Math.max(most, bitLength(modulus)), 0))
  let level: readonly Node[] = moduli.map(product => ({ product, bits }))
  let cofactors: readonly bigint[] = moduli.map(() => 1n)
  const levels = [level]
  while (level.length > 1) {
    const below = level
    const sums = cofactors
    cofactors = pairsOf(sums, (one, other, i) => one * below[i + 1]!.product + other * below[i]!.product)
    level = pairsOf(below, (one, other) => ({
      product: one.product * other.product,
      bits: one.bits + other.bits
    }))
    levels.push(level)
  }
  return { levels, cofactors: cofactors[0]! }
}

function pairsOf<Value>(
  values: readonly Value[],
  join: (one: Value, other: Value, index: number) => Value
): readonly Value[] {
  const pairs: Value[] = []
  for (let i = 0; i < values.length; i += 2) {
    const other = values[i + 1]
    pairs.push(other === undefined ? values[i]! : join(values[i]!, other, i))
  }
  return pairs
}

/** A fraction of a node, times the neighbour's product, is the node's own; whole numbers are nothing to it. */
function fractionsBelow(fractions: readonly bigint[], nodes: readonly Node[]): readonly bigint[] {
  return nodes.map((node, i) => {
    const fraction = fractions[i >> 1]!
    const neighbour = nodes[i ^ 1]
    if (neighbour === undefined) return fraction
    const digits = Number(digitsOf(node) + neighbour.bits)
    return BigInt.asUintN(digits, fraction * neighbour.product) >> neighbour.bits
  })
}

function bitLength(value: bigint): number {
  return value.toString(16).length * 4
}

/** So many leading bits tell steps of Euclid's; their products with cofactors are exact in a double. */
const leadingBits = 46
const cofactorLimit = 2 ** 22

/**
 * By Lehmer's method: the leading digits of both tell many steps of Euclid's ahead, which are then taken at once
 * (Knuth, TAOCP 2, 4.5.2 L).
 */
export function greatestCommonDivisor(one: bigint, other: bigint): bigint {
  let [a, b] = one > other ? [one, other] : [other, one]
  let bits = bitLength(a)
  while (b !== 0n && bits > 2 * leadingBits) {
    const shift = BigInt(bits - leadingBits)
    const leading = Number(a >> shift)
    const unused = leadingBits - 1 - Math.floor(Math.log2(leading + 1))
    if (unused > 4) {
      bits -= unused
      continue
    }
    const steps = stepsAhead(leading, Number(b >> shift))
    if (steps === undefined) [a, b] = [b, a % b]
    else {
      const [p, q, r, s] = steps
      ;[a, b] = [a * BigInt(p) + b * BigInt(q), a * BigInt(r) + b * BigInt(s)]
    }
  }
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}

/** The steps as a matrix; undefined where the leading digits tell none. */
function stepsAhead(
  leadingA: number,
  leadingB: number
): readonly [number, number, number, number] | undefined {
  let [x, y] = [leadingA, leadingB]
  let [p, q, r, s] = [1, 0, 0, 1]
  while (y + r !== 0 && y + s !== 0) {
    const quotient = Math.floor((x + p) / (y + r))
    if (quotient !== Math.floor((x + q) / (y + s))) break
    const [nextR, nextS] = [p - quotient * r, q - quotient * s]
    if (Math.abs(nextR) > cofactorLimit || Math.abs(nextS) > cofactorLimit) break
    ;[p, q, r, s] = [r, s, nextR, nextS]
    ;[x, y] = [y, x - quotient * y]
  }
  return q === 0 ? undefined : [p, q, r, s]
}
