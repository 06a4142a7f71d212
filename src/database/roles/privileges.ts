/** What the service does to a table besides reading it and adding rows. */
interface Change {
  readonly table: string
  readonly privilege: 'UPDATE' | 'DELETE'
  /** Of an update; none: all. */
  readonly columns?: readonly string[]
}

/**
 * A statement that locks rows (FOR SHARE, FOR UPDATE) needs the right to update a column of them, and the triggers act
 * with the rights of who fires them. The triggers still refuse what none may do.
 */
const changes: readonly Change[] = [
  // The whole of it, since a change of state locks the table.
  { table: 'authority', privilege: 'UPDATE' },
  {
    table: 'token',
    privilege: 'UPDATE',
    columns: ['revoked_at', 'secret_sha256', 'previous_secret_sha256', 'previous_until', 'expires_at']
  },
  { table: 'token_use', privilege: 'UPDATE', columns: ['last_used_at'] },
  { table: 'station', privilege: 'UPDATE' },
  { table: 'lot', privilege: 'UPDATE' },
  { table: 'lot_station', privilege: 'UPDATE', columns: ['taken', 'scrapped'] },
  { table: 'lot_device_list', privilege: 'UPDATE' },
  { table: 'lot_device_list', privilege: 'DELETE' },
  { table: 'lot_device', privilege: 'DELETE' },
  { table: 'export', privilege: 'UPDATE' },
  { table: 'export', privilege: 'DELETE' },
  { table: 'export_chunk', privilege: 'DELETE' },
  { table: 'client_identity', privilege: 'DELETE' },
  {
    table: 'client_certificate',
    privilege: 'UPDATE',
    columns: ['ended_at', 'ended_by', 'end_reason']
  },
  { table: 'client_certificate_use', privilege: 'UPDATE', columns: ['last_used_at'] },
  { table: 'open_intent', privilege: 'DELETE' },
  { table: 'certificate_status', privilege: 'UPDATE' },
  { table: 'expiry_month', privilege: 'UPDATE', columns: ['position'] },
  { table: 'expiry_open', privilege: 'DELETE' },
  { table: 'crl_chunk', privilege: 'DELETE' },
  { table: 'crl_change', privilege: 'DELETE' },
  { table: 'crl_publication', privilege: 'UPDATE' },
  { table: 'crl_publication', privilege: 'DELETE' },
  {
    table: 'revocation_order',
    privilege: 'UPDATE',
    columns: ['position', 'done', 'skipped', 'failed', 'finished_at']
  },
  // For the locks of the guards alone.
  { table: 'open_intent', privilege: 'UPDATE', columns: ['intent_id'] },
  { table: 'certified_key', privilege: 'UPDATE', columns: ['occurrence'] },
  { table: 'certified_device', privilege: 'UPDATE', columns: ['occurrence'] },
  { table: 'aws_registration_state', privilege: 'UPDATE' },
  { table: 'aws_push', privilege: 'UPDATE' },
  { table: 'aws_push_state', privilege: 'UPDATE' },
  { table: 'fleet_reconciliation', privilege: 'UPDATE', columns: ['finished_at'] },
  { table: 'fleet_reconciliation', privilege: 'DELETE' },
  { table: 'fleet_walk', privilege: 'UPDATE' },
  { table: 'fleet_walk', privilege: 'DELETE' },
  { table: 'fleet_certificate', privilege: 'UPDATE' },
  { table: 'fleet_certificate', privilege: 'DELETE' },
  { table: 'fleet_finding', privilege: 'UPDATE' },
  { table: 'fleet_finding', privilege: 'DELETE' },
  { table: 'fleet_clean_up', privilege: 'UPDATE', columns: ['finished_at'] },
  { table: 'fleet_clean_up', privilege: 'DELETE' },
  { table: 'fleet_clean_up_item', privilege: 'UPDATE' },
  { table: 'webhook', privilege: 'UPDATE' },
  { table: 'webhook_delivery', privilege: 'UPDATE' },
  { table: 'outgoing_event', privilege: 'UPDATE' },
  { table: 'outgoing_event', privilege: 'DELETE' },
  { table: 'pin_attempt', privilege: 'UPDATE' },
  { table: 'pin_attempt', privilege: 'DELETE' },
  { table: 'pin_permit', privilege: 'UPDATE' },
  { table: 'pin_permit', privilege: 'DELETE' },
  // What is searched by is made of the records, and follows them.
  { table: 'search_facet', privilege: 'UPDATE' },
  { table: 'issuance_search', privilege: 'UPDATE' },
  { table: 'issuance_search', privilege: 'DELETE' },
  { table: 'search_term', privilege: 'UPDATE', columns: ['facet_id'] },
  { table: 'search_term', privilege: 'DELETE' },
  { table: 'issuance_tally', privilege: 'UPDATE' },
  { table: 'issuance_tally', privilege: 'DELETE' },
  { table: 'search_pending', privilege: 'DELETE' },
  { table: 'search_change', privilege: 'DELETE' },
  { table: 'search_progress', privilege: 'UPDATE' },
  // What is owed to the ledger leaves the queue in the commit that integrates it.
  { table: 'ledger_queue', privilege: 'DELETE' },
  { table: 'ledger_tail', privilege: 'DELETE' },
  { table: 'ledger_head', privilege: 'UPDATE' },
  { table: 'ledger_tile', privilege: 'UPDATE', columns: ['hashes'] },
  { table: 'ledger_checkpoint', privilege: 'DELETE' },
  { table: 'ledger_cosignature', privilege: 'DELETE' },
  { table: 'ledger_receiver', privilege: 'UPDATE' },
  { table: 'ledger_check', privilege: 'UPDATE' },
  {
    table: 'ledger_finding',
    privilege: 'UPDATE',
    columns: ['acknowledged_at', 'acknowledged_by', 'reason']
  }
]

/**
 * What the service's role must be able to do and cannot yet, as statements for the tables' owner. The partitions are
 * not among them: rows are reached through the table above them, and by no other way; those that are detached, by none.
 */
export const missingGrants = `
WITH role AS (SELECT $1::text AS name),
changed AS (
  SELECT "table", privilege, columns
  FROM jsonb_to_recordset($2::jsonb) AS t("table" text, privilege text, columns text[])
),
wanted AS (
  SELECT format('GRANT USAGE ON SCHEMA %I TO %I', nspname, role.name) AS statement
  FROM pg_namespace, role
  WHERE nspname IN ('public', 'pgboss') AND NOT has_schema_privilege(role.name, oid, 'USAGE')
  UNION ALL
  SELECT format('GRANT %s ON %s TO %I', privilege, pg_class.oid::regclass, role.name)
  FROM pg_class, role, unnest(
    CASE
      WHEN relnamespace = 'pgboss'::regnamespace THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
      WHEN relname IN ('_prisma_migrations', 'detached_month', 'detached_table', 'detached_block', 'detached_refusals')
        THEN ARRAY['SELECT']
      ELSE ARRAY['SELECT', 'INSERT']
    END
  ) AS privilege
  WHERE relkind IN ('r', 'p') AND NOT (relispartition AND relnamespace = 'public'::regnamespace)
    AND relname !~ '^(intent|issued|refusal|refusal_count)_[0-9]{4}_[0-9]{2}$'
    AND relnamespace IN ('public'::regnamespace, 'pgboss'::regnamespace)
    AND NOT has_table_privilege(role.name, pg_class.oid, privilege)
  UNION ALL
  SELECT format(
    'GRANT %s%s ON public.%I TO %I',
    privilege,
    (SELECT ' (' || string_agg(quote_ident(name), ', ') || ')' FROM unnest(columns) AS name),
    "table",
    role.name
  )
  FROM changed, role
  WHERE NOT CASE
    WHEN columns IS NULL THEN has_table_privilege(role.name, 'public.' || quote_ident("table"), privilege)
    ELSE NOT EXISTS (
      SELECT FROM unnest(columns) AS name
      WHERE NOT has_column_privilege(role.name, 'public.' || quote_ident("table"), name, privilege)
    )
  END
  UNION ALL
  SELECT format('GRANT USAGE ON SEQUENCE %s TO %I', pg_class.oid::regclass, role.name)
  FROM pg_class, role
  WHERE relkind = 'S' AND relnamespace IN ('public'::regnamespace, 'pgboss'::regnamespace)
    AND NOT has_sequence_privilege(role.name, pg_class.oid, 'USAGE')
  UNION ALL
  SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', pg_proc.oid::regprocedure, role.name)
  FROM pg_proc, role
  WHERE pronamespace IN ('public'::regnamespace, 'pgboss'::regnamespace)
    AND pg_has_role(proowner, 'USAGE') AND NOT has_function_privilege(role.name, pg_proc.oid, 'EXECUTE')
)
SELECT statement FROM wanted`

export const changesJson = JSON.stringify(changes)
