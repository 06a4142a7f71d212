import type { ProblemDescription } from '../problem-description.ts'

/** Of what AWS IoT holds, held against the record. */
export const fleetProblems = {
  fleet_reconciliation_not_found: {
    status: 404,
    title: 'There is no such look at the fleet',
    meaning: 'No look has this id. The last hundred are kept.',
    remedy: 'Compare the id with `GET /v1/fleet/reconciliations`.'
  },
  fleet_reconciliation_running: {
    status: 409,
    title: 'Another look at the fleet goes on',
    meaning: 'One look goes on at a time: `reconciliation` is its id. Nothing was begun.',
    remedy: 'Follow it with `GET /v1/fleet/reconciliations/{id}`, and begin another one when it has finished.'
  },
  fleet_finding_not_found: {
    status: 404,
    title: 'There is no such alarm',
    meaning: 'No finding has this id, or it is no alarm: what is no alarm goes by itself once it is mended.',
    remedy: 'Compare the id with `GET /v1/fleet/findings?alarms=open`.'
  }
} as const satisfies Readonly<Record<string, ProblemDescription>>
