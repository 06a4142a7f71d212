/**
 * What a connection is for:
 * - `commit`: few statements, always the same;
 * - `search`: what people look for, planned for the values that are asked for, and reading alone;
 * - `jobs`: the job queue's own;
 * - `listen`: waits for notifications;
 * - `lock`: holds a lock for as long as it lives;
 * - `migration`: may wait for another process that migrates, and takes as long as it takes.
 */
export type ConnectionPurpose = 'commit' | 'search' | 'jobs' | 'listen' | 'lock' | 'migration'

/** PostgreSQL's name → value as `current_setting` shows it. */
export type SessionSettings = Readonly<Record<string, string>>

/**
 * Every setting that a database, a role or a server may have otherwise and that the code or the durability of its
 * answers depends on. They go with the start of each connection and so come before all other defaults.
 */
export function sessionSettingsOf(purpose: ConnectionPurpose): SessionSettings {
  return { ...everywhere, ...only[purpose] }
}

/**
 * A superuser's alone: they cannot be asked for, but a connection where they are otherwise is of no use. Replicas skip
 * the triggers by which webhooks and other processes hear of changes.
 */
export const presupposedSettings: SessionSettings = { session_replication_role: 'origin' }

const everywhere: SessionSettings = {
  // Points in time go out and come in as text of UTC.
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  // The text of other values, both ways.
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  // A lost race is seen and run again, which the stricter levels would answer with an error of their own.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  exit_on_error: 'off',
  // What is answered is on disk.
  synchronous_commit: 'on',
  // Where Mintline's tables are. The job queue names its own schema.
  search_path: 'public',
  // A policy that hides rows makes an error and no false "not found".
  row_security: 'off',
  // A connection may rest between two requests. Longer than a statement waits nobody: see below.
  idle_session_timeout: '0',
  // Compiling costs more than any of these statements.
  jit: 'off',
  // Nor does any take other cores from the stations, or start processes for a look at a few rows of many months.
  max_parallel_workers_per_gather: '0'
}

const only: Readonly<Record<ConnectionPurpose, SessionSettings>> = {
  commit: {
    ...timeouts('15s', '7500ms'),
    // Statements are planned once per connection, perhaps while the tables are still empty. The plan must be the one
    // for full tables: through the indexes, never through the whole table.
    plan_cache_mode: 'force_generic_plan',
    enable_partition_pruning: 'on',
    enable_indexscan: 'on',
    enable_nestloop: 'on',
    enable_seqscan: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off'
  },
  search: {
    ...timeouts('15s', '7500ms'),
    default_transaction_read_only: 'on',
    // A rare station wants another plan than a frequent one.
    plan_cache_mode: 'force_custom_plan',
    enable_partition_pruning: 'on',
    // As many facets as there may be are hashed: else each row would be held against all of them.
    work_mem: '32MB',
    hash_mem_multiplier: '2'
  },
  jobs: timeouts('1min', '30s'),
  listen: timeouts('15s', '7500ms'),
  lock: {
    ...timeouts('5s', '5s'),
    // The lock of a machine that went silent, or of a process that was stopped, is given to another.
    idle_session_timeout: '15s'
  },
  migration: timeouts('0', '2min')
}

function timeouts(statement: string, lock: string): SessionSettings {
  return {
    statement_timeout: statement,
    lock_timeout: lock,
    idle_in_transaction_session_timeout: statement
  }
}
