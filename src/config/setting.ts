import { eventTypes } from '../events/event-type.ts'
import type { Config } from './config.ts'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** How a setting is described in `--help`, in `check-config` and in the README. */
export interface Setting {
  readonly name: string
  /** What of the configuration it decides. */
  readonly member: keyof Config
  readonly defaultText: string
  readonly meaning: string
}

export const settings: readonly Setting[] = [
  { name: 'MINTLINE_HOST', member: 'host', defaultText: '127.0.0.1', meaning: 'Address to listen on.' },
  {
    name: 'MINTLINE_PORT',
    member: 'port',
    defaultText: '8080',
    meaning: 'TCP port to listen on; 0 takes a free one.'
  },
  {
    name: 'MINTLINE_DATA_DIR',
    member: 'dataDirectory',
    defaultText: '/var/lib/mintline for root, else ~/.local/share/mintline',
    meaning: 'Directory of the embedded database, the local CA keys and the starter tokens.'
  },
  {
    name: 'DATABASE_URL',
    member: 'databaseUrl',
    defaultText: 'the embedded PostgreSQL',
    meaning: 'postgres:// URL of a PostgreSQL 14 or newer to use instead.'
  },
  {
    name: 'DATABASE_URL_FILE',
    member: 'databaseUrl',
    defaultText: 'none',
    meaning: 'File that holds DATABASE_URL, for secrets mounted as files.'
  },
  {
    name: 'MINTLINE_DATABASE_POOL_SIZE',
    member: 'databasePoolSize',
    defaultText: '10',
    meaning: 'Connections to PostgreSQL, 2 to 100.'
  },
  {
    name: 'MINTLINE_CA_PASSPHRASE_FILE',
    member: 'caPassphraseFile',
    defaultText: 'ca-passphrase in the data directory',
    meaning: 'File whose first line encrypts the local CA keys.'
  },
  {
    name: 'MINTLINE_STARTER',
    member: 'starter',
    defaultText: 'on',
    meaning: 'on | off. On an empty database, make an authority, a profile and three tokens to try out.'
  },
  {
    name: 'MINTLINE_LOG_LEVEL',
    member: 'logLevel',
    defaultText: 'info',
    meaning: logLevels.join(' | ') + '.'
  },
  {
    name: 'MINTLINE_REQUEST_TIMEOUT_MS',
    member: 'requestTimeoutMs',
    defaultText: '30000',
    meaning: 'Milliseconds in which a request must have arrived, 1000 to 600000.'
  },
  {
    name: 'MINTLINE_SHUTDOWN_TIMEOUT_MS',
    member: 'shutdownTimeoutMs',
    defaultText: '10000',
    meaning: 'Milliseconds that requests in flight get to finish at SIGTERM, 0 to 600000.'
  },
  {
    name: 'MINTLINE_MAXIMUM_WAITING',
    member: 'maximumWaiting',
    defaultText: '1000',
    meaning:
      'Requests that may wait for the database, or for a CA key in KMS, before new ones get 503, 1 to 100000.'
  },
  {
    name: 'MINTLINE_KMS_MAXIMUM_CONCURRENT',
    member: 'kmsMaximumConcurrent',
    defaultText: '32',
    meaning: 'Signatures asked of AWS KMS at once for each CA key, 1 to 1000.'
  },
  {
    name: 'MINTLINE_KMS_REQUEST_TIMEOUT_MS',
    member: 'kmsRequestTimeoutMs',
    defaultText: '3000',
    meaning: 'Milliseconds in which AWS KMS must answer one request, 100 to 60000.'
  },
  {
    name: 'MINTLINE_PKCS11_MODULE',
    member: 'pkcs11Module',
    defaultText: 'none',
    meaning: 'Path of the PKCS#11 module, for CA keys on a token.'
  },
  {
    name: 'MINTLINE_PKCS11_PIN_FILE',
    member: 'pkcs11PinFile',
    defaultText: 'none',
    meaning: "File whose first line is the token's PIN."
  },
  {
    name: 'MINTLINE_PKCS11_SESSIONS',
    member: 'pkcs11Sessions',
    defaultText: '4',
    meaning: 'Sessions held open on the token for each CA key, 1 to 64.'
  },
  {
    name: 'MINTLINE_WEBHOOK_URL',
    member: 'webhookUrl',
    defaultText: 'none',
    meaning: 'Where events are sent: an https:// address, or an http:// one of this machine.'
  },
  {
    name: 'MINTLINE_WEBHOOK_SECRET_FILE',
    member: 'webhookSecretFile',
    defaultText: 'none',
    meaning: 'File whose first line is the secret that signs events, whsec_ and base64.'
  },
  {
    name: 'MINTLINE_WEBHOOK_EVENTS',
    member: 'webhookEvents',
    defaultText: 'all',
    meaning: `Types of the events to send, with commas between: ${eventTypes.join(', ')}.`
  }
]
