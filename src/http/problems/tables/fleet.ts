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
  },
  fleet_finding_count_changed: {
    status: 409,
    title: 'Another number of alarms is selected by now',
    meaning: '`count` is how many it is now. None is acknowledged.',
    remedy:
      'Send the same with `dryRun: true`, look at what has changed, and send it with the count that it answers.'
  },
  fleet_clean_up_not_found: {
    status: 404,
    title: 'There is no such clean-up',
    meaning: 'No clean-up of the fleet has this id. The last hundred are kept.',
    remedy: 'Compare the id with `GET /v1/fleet/clean-ups`.'
  },
  fleet_clean_up_count_changed: {
    status: 409,
    title: 'Another number is to be cleaned up by now',
    meaning: '`count` is how many it is now. Nothing is deleted.',
    remedy:
      'Send the same with `dryRun: true`, look at what has changed, and send the order with the count that it answers.'
  }
} as const satisfies Readonly<Record<string, ProblemDescription>>
