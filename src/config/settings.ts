import { homedir } from 'node:os'
import { join } from 'node:path'
import { eventTypes } from '../events/event-type.ts'
import { parseWebhookSecret } from '../events/receiver/signature.ts'
import { mesFileSetting } from '../mes/mes-file.ts'
import { certificateHeaders } from '../tls/certificate-header.ts'
import { awsSettings } from './aws/aws-settings.ts'
import {
  byteSize,
  choice,
  choices,
  directory,
  environmentNames,
  file,
  files,
  type Kind,
  networks,
  onOff,
  pemFile,
  port,
  secretFile,
  text,
  url,
  wholeNumber
} from './kind.ts'
import { oidcSettings } from './oidc/settings.ts'
import { optional, setting, type Surroundings } from './setting/setting.ts'
import { siteSettings } from './site/settings.ts'
import { crlSettings } from './status/crl-settings.ts'
import { statusSettings } from './status/settings.ts'

export type { Environment, Setting, SettingText } from './setting/setting.ts'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** The one place of what the service can be told. A new setting is a new entry, under its name in the `Config`. */
export const settings = {
  host: setting(text(), '127.0.0.1', { name: 'MINTLINE_HOST', meaning: 'Address to listen on' }),
  port: setting(port(), 8080, {
    name: 'MINTLINE_PORT',
    meaning: 'TCP port to listen on; 0 takes a free one'
  }),
  /** Undefined, with the key file: plain HTTP. */
  tlsCertFile: optional(pemFile('the certificate of the server'), {
    name: 'MINTLINE_TLS_CERT_FILE',
    defaultText: 'none: plain HTTP',
    meaning:
      'File with the certificate of the server in PEM, first, and those above it; a new one is taken up',
    togetherWith: 'MINTLINE_TLS_KEY_FILE'
  }),
  tlsKeyFile: optional(pemFile('the private key of the server', { isSecret: true }), {
    name: 'MINTLINE_TLS_KEY_FILE',
    meaning: 'File with its private key in PEM, not encrypted'
  }),
  /** Undefined: no client certificate is looked at. */
  tlsClientCaFile: optional(pemFile('the certificates of the CAs that issue for stations'), {
    name: 'MINTLINE_TLS_CLIENT_CA_FILE',
    defaultText: 'none: client certificates are not asked for',
    meaning:
      'File with the certificates of the CAs in PEM whose client certificates let stations in; a new one is taken up'
  }),
  tlsClientCrlFile: optional(pemFile('the CRLs of those CAs'), {
    name: 'MINTLINE_TLS_CLIENT_CRL_FILE',
    defaultText: 'none: revocation is not looked at',
    meaning: 'File with the complete CRL of each of these CAs in PEM; a new one is taken up',
    needs: 'tlsClientCaFile'
  }),
  /** Undefined: no header is looked at. */
  clientCertHeader: optional(choice(certificateHeaders), {
    name: 'MINTLINE_CLIENT_CERT_HEADER',
    meaning:
      'Header by which the proxies of MINTLINE_TRUSTED_PROXIES hand on the client certificate; from others it is not taken'
  }),
  stationCertificates: setting(onOff(), false, {
    name: 'MINTLINE_STATION_CERTIFICATES',
    meaning:
      'Whether stations get client certificates of an authority line for stations here, and are let in by them'
  }),
  insecureHttp: setting(onOff(), false, {
    name: 'MINTLINE_INSECURE_HTTP',
    meaning: 'Whether it may listen beyond this machine without TLS: who is on the way can read every token'
  }),
  trustedProxies: setting(networks(), [], {
    name: 'MINTLINE_TRUSTED_PROXIES',
    defaultText: 'none',
    meaning:
      'Addresses and networks (CIDR) of the proxies that end TLS in front; with them it may listen beyond this machine'
  }),
  ...oidcSettings,
  ...siteSettings,
  ...statusSettings,
  ...crlSettings,
  ...awsSettings,
  dataDirectory: {
    kind: directory(),
    defaultOf: defaultDataDirectory,
    defaultText: '/var/lib/mintline for root, else ~/.local/share/mintline',
    name: 'MINTLINE_DATA_DIR',
    meaning: 'Directory of the embedded database, the local CA keys and the starter tokens'
  },
  /** Undefined: the embedded PostgreSQL in the data directory. */
  databaseUrl: optional(postgresUrl(), {
    name: 'DATABASE_URL',
    defaultText: 'the embedded PostgreSQL',
    meaning: 'postgres:// URL of a PostgreSQL 14 or newer to use instead',
    fileVariant: {
      name: 'DATABASE_URL_FILE',
      meaning: 'File that holds DATABASE_URL, for secrets mounted as files'
    }
  }),
  /** Undefined: the role of `databaseUrl` does both. */
  databaseOwnerUrl: optional(postgresUrl(), {
    name: 'MINTLINE_DATABASE_OWNER_URL',
    defaultText: 'DATABASE_URL',
    meaning:
      'The same database with the role that makes and owns the tables; DATABASE_URL then needs no rights',
    needs: 'databaseUrl',
    fileVariant: {
      name: 'MINTLINE_DATABASE_OWNER_URL_FILE',
      meaning: 'File that holds MINTLINE_DATABASE_OWNER_URL'
    }
  }),
  /** Undefined: of a database elsewhere, nothing is watched. */
  databaseSizeLimitBytes: optional(byteSize(), {
    name: 'MINTLINE_DATABASE_SIZE_LIMIT',
    meaning: 'Size at which the disk of the database at DATABASE_URL counts as full, for warnings ahead',
    needs: 'databaseUrl'
  }),
  databasePoolSize: setting(wholeNumber({ minimum: 2, maximum: 100 }), 10, {
    name: 'MINTLINE_DATABASE_POOL_SIZE',
    meaning: 'Connections to PostgreSQL'
  }),
  /** The file whose first line is the passphrase of the local CA keys. Undefined: the starter's own. */
  caPassphraseFile: optional(secretFile('the passphrase'), {
    name: 'MINTLINE_CA_PASSPHRASE_FILE',
    defaultText: 'ca-passphrase in the data directory',
    meaning: 'File whose first line encrypts the local CA keys'
  }),
  starter: setting(onOff(), true, {
    name: 'MINTLINE_STARTER',
    meaning: 'On an empty database, make an authority, a profile and three tokens to try out'
  }),
  logLevel: setting(choice(logLevels), 'info', { name: 'MINTLINE_LOG_LEVEL', meaning: '' }),
  requestTimeoutMs: setting(wholeNumber({ minimum: 1_000, maximum: 600_000, unit: 'ms' }), 30_000, {
    name: 'MINTLINE_REQUEST_TIMEOUT_MS',
    meaning: 'in which a request must have arrived, a batch excepted'
  }),
  shutdownTimeoutMs: setting(wholeNumber({ minimum: 0, maximum: 600_000, unit: 'ms' }), 10_000, {
    name: 'MINTLINE_SHUTDOWN_TIMEOUT_MS',
    meaning: 'that requests in flight get to finish at SIGTERM'
  }),
  /** Requests that may wait for a group commit before new ones are told to come back. */
  maximumWaiting: setting(wholeNumber({ minimum: 1, maximum: 100_000 }), 1_000, {
    name: 'MINTLINE_MAXIMUM_WAITING',
    meaning: 'Requests that may wait for the database, or for a CA key in KMS, before new ones get 503'
  }),
  /** Of each station, in each process; beyond it refusals are counted. */
  refusalsPerMinute: setting(wholeNumber({ minimum: 1, maximum: 100_000 }), 600, {
    name: 'MINTLINE_REFUSALS_PER_MINUTE',
    meaning: 'Refusals of one station that are recorded each minute; those beyond are counted'
  }),
  /** In each process. Undefined: none. */
  stationRequestsPerMinute: optional(wholeNumber({ minimum: 1, maximum: 1_000_000 }), {
    name: 'MINTLINE_STATION_REQUESTS_PER_MINUTE',
    meaning: 'Requests that a station may send each minute where it has no limit of its own'
  }),
  exportDays: setting(wholeNumber({ minimum: 1, maximum: 365 }), 7, {
    name: 'MINTLINE_EXPORT_DAYS',
    meaning: 'Days for which the file of an export is kept'
  }),
  exportMaximumBytes: setting(byteSize(), 4 * 1024 ** 3, {
    name: 'MINTLINE_EXPORT_MAXIMUM_SIZE',
    defaultText: '4GiB',
    meaning: 'What the files of all exports may take of the database together'
  }),
  weakKeysFiles: setting(files(16), [], {
    name: 'MINTLINE_WEAK_KEYS_FILES',
    defaultText: 'none',
    meaning: 'Files that list known weak keys, as of openssl-blacklist; changed ones are taken up'
  }),
  /** Undefined: no profile may have a MES asked. */
  mesFile: optional(
    file({
      expected: 'a JSON file that names systems, each with url and secretFile',
      // What is wrong in it is told place by place (`examineMesFile`).
      isUsable: () => true,
      isSecret: false
    }),
    {
      name: mesFileSetting,
      meaning:
        'JSON file with the manufacturing execution systems that profiles may have asked; read at start (docs/mes.md)'
    }
  ),
  /** Within a day. */
  stationKeyFaults: setting(wholeNumber({ minimum: 0, maximum: 1_000 }), 3, {
    name: 'MINTLINE_STATION_KEY_FAULTS',
    meaning:
      'Weak keys, and keys of other devices, that a station may send within a day; with the next one it is paused'
  }),
  kmsMaximumConcurrent: setting(wholeNumber({ minimum: 1, maximum: 1_000 }), 32, {
    name: 'MINTLINE_KMS_MAXIMUM_CONCURRENT',
    meaning: 'Signatures asked of AWS KMS at once for each CA key'
  }),
  kmsRequestTimeoutMs: setting(wholeNumber({ minimum: 100, maximum: 60_000, unit: 'ms' }), 3_000, {
    name: 'MINTLINE_KMS_REQUEST_TIMEOUT_MS',
    meaning: 'in which AWS KMS must answer one request'
  }),
  /** Undefined, with the PIN file: no CA key is on a token. */
  pkcs11Module: optional(text(), {
    name: 'MINTLINE_PKCS11_MODULE',
    meaning: 'Path of the PKCS#11 module, for CA keys on a token',
    togetherWith: 'MINTLINE_PKCS11_PIN_FILE'
  }),
  pkcs11PinFile: optional(secretFile('the PIN'), {
    name: 'MINTLINE_PKCS11_PIN_FILE',
    meaning: "File whose first line is the token's PIN"
  }),
  pkcs11Sessions: setting(wholeNumber({ minimum: 1, maximum: 64 }), 4, {
    name: 'MINTLINE_PKCS11_SESSIONS',
    meaning: 'Sessions held open on the token for each CA key'
  }),
  pkcs11CallTimeoutMs: setting(wholeNumber({ minimum: 100, maximum: 60_000, unit: 'ms' }), 5_000, {
    name: 'MINTLINE_PKCS11_CALL_TIMEOUT_MS',
    meaning: 'in which the PKCS#11 module must answer; else its process is ended and started anew'
  }),
  /** Of the module's maker, e.g. ChrystokiConfigurationPath. */
  pkcs11Environment: setting(environmentNames(['AWS_', 'DATABASE_', 'PG', 'MINTLINE_']), [], {
    name: 'MINTLINE_PKCS11_ENVIRONMENT',
    defaultText: 'none',
    meaning:
      "Variables that the PKCS#11 module's process gets besides PATH, HOME, LANG, LC_*, TZ, TMPDIR and SOFTHSM2_CONF",
    needs: 'pkcs11Module'
  }),
  /** Undefined, with the secret file: no events go out. */
  webhookUrl: optional(
    url({
      expected:
        'https://host/path, or http:// with 127.0.0.1, [::1] or localhost; no user, password or fragment',
      secret: 'secret',
      isUsable: isWebhookUrl,
      // Its path or query often is a secret.
      show: ({ origin }) => `${origin}/…`
    }),
    {
      name: 'MINTLINE_WEBHOOK_URL',
      meaning: 'Where events are sent: an https:// address, or an http:// one of this machine',
      togetherWith: 'MINTLINE_WEBHOOK_SECRET_FILE'
    }
  ),
  webhookSecretFile: optional(
    secretFile('whsec_ and the base64 of 24 to 64 octets', line => parseWebhookSecret(line) !== undefined),
    {
      name: 'MINTLINE_WEBHOOK_SECRET_FILE',
      meaning: 'File whose first line is the secret that signs events, whsec_ and base64'
    }
  ),
  webhookEvents: setting(choices(eventTypes), eventTypes, {
    name: 'MINTLINE_WEBHOOK_EVENTS',
    defaultText: 'all',
    meaning: 'Types of the events to send'
  }),
  webhookPrivateAddresses: setting(onOff(), true, {
    name: 'MINTLINE_WEBHOOK_PRIVATE_ADDRESSES',
    meaning: 'Whether the webhook may be in a private network or on this machine'
  }),
  webhookOverdueMs: setting(wholeNumber({ minimum: 1_000, maximum: 2_592_000_000, unit: 'ms' }), 3_600_000, {
    name: 'MINTLINE_WEBHOOK_OVERDUE_MS',
    meaning: 'that the oldest event may wait before `/readyz` warns of it'
  }),
  expiryNoticeDays: setting(wholeNumber({ minimum: 0, maximum: 3_650, unit: 'days' }), 30, {
    name: 'MINTLINE_EXPIRY_NOTICE_DAYS',
    meaning: 'ahead of its end that the webhook is told of a certificate that runs out; 0 for never'
  })
}

function postgresUrl(): Kind<string> {
  return url({
    expected: 'postgres://user:password@host:port/database',
    secret: 'password',
    isUsable: ({ protocol, pathname }) =>
      ['postgres:', 'postgresql:'].includes(protocol) && pathname.length > 1
  })
}

function defaultDataDirectory({ environment, isRoot }: Surroundings): string {
  if (isRoot) return '/var/lib/mintline'
  const dataHome = environment['XDG_DATA_HOME']
  return join(dataHome?.startsWith('/') ? dataHome : join(homedir(), '.local/share'), 'mintline')
}

/** What events say is not for everybody on the way. */
function isWebhookUrl({ protocol, hostname, username, password, hash }: URL): boolean {
  if (username !== '' || password !== '' || hash !== '') return false
  const isThisMachine = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isThisMachine)
}
