/** Calls to an account under way at once: enough for ten a second where each takes a second. */
export const callsAtOnce = 10
