import { revocationNotice } from '../access/token/token-store.ts'
import { listenForChanges } from '../database/sessions/notifications.ts'
import type { Core } from './core.ts'

/** What is done when a table changed, by its name. */
export type Reactions = Readonly<Record<string, () => Promise<void>>>

/** What another process changes is seen at once; without the notice, an intent's commit would tell. */
export function followChanges(core: Core, ofDuties: Reactions, stops: AsyncDisposableStack): void {
  const { connectionString, log, authorities, profiles, tokens, stationCertificates } = core
  const ofCore: Reactions = {
    [revocationNotice]: async () => tokens.forget(),
    async authority() {
      await authorities.refresh()
      // Of one that is compromised, no certificate of a station counts.
      stationCertificates.forget()
    },
    client_certificate: async () => stationCertificates.forget(),
    profile_version: () => profiles.refresh(),
    station: async () => {
      tokens.forget()
      stationCertificates.forget()
    }
  }
  const react = async (table: string) => {
    // The duties act on what was read.
    await ofCore[table]?.()
    await ofDuties[table]?.()
  }
  const allTables = new Set([...Object.keys(ofCore), ...Object.keys(ofDuties)])
  const notifications = listenForChanges({
    connectionString,
    onChange(table) {
      for (const due of table === undefined ? allTables : [table]) {
        react(due).catch((error: unknown) => log.warn({ err: error }, 'a change could not be read'))
      }
    },
    onConnectionLost: error => log.debug({ err: error }, 'the connection that listens for changes was lost')
  })
  stops.defer(() => notifications.close())
}
