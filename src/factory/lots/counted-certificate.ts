/**
 * SQL: whether the certificate of an intent counts: it has not ended, nor has another of its device succeeded it.
 *
 * @param intentId the column with the intent's id.
 */
export function countsAsCertificate(intentId: string): string {
  return `NOT EXISTS (SELECT FROM revocation WHERE revocation.intent_id = ${intentId})
          AND NOT EXISTS (
            SELECT FROM succession JOIN issued AS later ON later.intent_id = succession.intent_id
            WHERE succession.succeeds = ${intentId}
          )`
}
