import { isAwsError } from '../../aws-client/failure.ts'

/** Sends a request once those before it are answered; its failure names the operation. */
export type InTurn = <Reply>(
  operation: string,
  send: (abortSignal: AbortSignal) => Promise<Reply>
) => Promise<Reply>

/** False for the one error that the caller expects. */
export async function unless(errorName: string, reply: Promise<unknown>): Promise<boolean> {
  try {
    await reply
    return true
  } catch (error) {
    if (isAwsError(error, errorName)) return false
    throw error
  }
}

/** Undefined where AWS knows no such resource. */
export async function orUndefined<Reply>(reply: Promise<Reply>): Promise<Reply | undefined> {
  try {
    return await reply
  } catch (error) {
    if (isAwsError(error, 'ResourceNotFoundException')) return undefined
    throw error
  }
}
