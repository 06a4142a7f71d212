import { type CompactJWSHeaderParameters, compactVerify, importJWK, type JWK } from 'jose'
import { Value } from 'typebox/value'
import { LotStatement, statementAlgorithm, statementType } from './statement.ts'

/** A statement that is not what it should be; the message says how. */
export class StatementRefused extends Error {}

/**
 * Verifies signature, form and arithmetic.
 *
 * @param keys of a JWKS (RFC 7517, section 5).
 * @throws StatementRefused
 */
export async function verifyStatement(jws: string, keys: readonly JWK[]): Promise<LotStatement> {
  const payload = await verifySignature(jws, keys)
  const statement = parsePayload(payload)
  const faults = arithmeticFaults(statement)
  if (faults.length > 0)
    throw new StatementRefused(`the signature is right, the numbers are not: ${faults.join('; ')}`)
  return statement
}

async function verifySignature(jws: string, keys: readonly JWK[]): Promise<Uint8Array> {
  const keyOf = async ({ kid, typ }: CompactJWSHeaderParameters) => {
    if (typ !== statementType)
      throw new StatementRefused(`it is a JWS of the type ${typ ?? '(none)'}, expected ${statementType}`)
    const key = keys.find(each => each.kid === kid)
    if (key === undefined)
      throw new StatementRefused(
        `it is signed with the key ${kid ?? '(none)'}, which is not among the ${keys.length} that were given`
      )
    return importJWK(key, statementAlgorithm)
  }
  try {
    return (await compactVerify(jws, keyOf, { algorithms: [statementAlgorithm] })).payload
  } catch (error) {
    if (error instanceof StatementRefused) throw error
    throw new StatementRefused('the signature is not right, or it is no compact JWS', { cause: error })
  }
}

function parsePayload(payload: Uint8Array): LotStatement {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
    if (Value.Check(LotStatement, value)) return value
  } catch {
    // Told below, as one that is JSON of another form.
  }
  throw new StatementRefused('the signature is right, and what is signed is no statement of a lot')
}

function arithmeticFaults(statement: LotStatement): readonly string[] {
  const { ordered, issued, remaining, devices, stations } = statement
  const faults =
    issued + remaining === ordered
      ? []
      : [`issued ${issued} + remaining ${remaining} is not ordered ${ordered}`]
  if (devices !== undefined && devices.expected < devices.issued)
    faults.push(`${devices.issued} devices are more than the ${devices.expected} that were expected`)
  if (devices !== undefined && issued < devices.issued)
    faults.push(`${devices.issued} devices have ${issued} certificates`)
  for (const name of ['issued', 'scrapped', 'refused'] as const) {
    const sum = stations.reduce((total, share) => total + share[name], 0)
    if (sum !== statement[name]) faults.push(`${name} is ${statement[name]}, by stations ${sum}`)
  }
  return faults
}
