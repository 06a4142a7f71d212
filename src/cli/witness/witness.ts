import { type CommandIo, parseWordsAndFlags, UsageError, wholeNumberOf } from '../command.ts'
import { initWitness } from './init.ts'
import { serveWitness } from './serving.ts'

const usualPort = '8790'

export const witnessUsage = `usage: mintline witness init DIR --name NAME
       mintline witness serve DIR --logs FILE [--host HOST] [--port N] [--tls-cert FILE --tls-key FILE]

A witness for transparency logs (C2SP tlog-witness): it cosigns a checkpoint where it is proven that the log has only grown
since the last one, and keeps the last one. It belongs on another machine than the log, in other hands.

init makes the keys of a witness and its empty state in DIR, which is made if it is not there. Nothing is overwritten.

  --name      what the witness is called for good, without white space and plus: witness.example/line-7

serve answers \`POST /add-checkpoint\` and \`GET /healthz\` until SIGTERM or SIGINT. The log goes to standard output, a line of
JSON for each request.

  --logs      a file with the verifier keys of the logs, one a line; behind the key, after a space, the origin of the log
              where that is not the name of the key
  --host      where it listens; 127.0.0.1 without it
  --port      ${usualPort} without it, 0 takes a free one
  --tls-cert  PEM of the certificate to speak TLS with, and of those above it; new files are taken up as they come
  --tls-key   its key

Ends with 0 when it was told to, with 1 when it cannot go on or not even start, with 2 after a mistake in the arguments.
`

/** @throws UsageError; MintlineError of what is in the files. */
export async function runWitness(io: CommandIo, args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { positionals, values } = parseWordsAndFlags(args, {
    name: text,
    logs: text,
    host: text,
    port: text,
    'tls-cert': text,
    'tls-key': text
  })
  const [verb, directory, ...others] = positionals
  if (verb !== 'init' && verb !== 'serve') throw new UsageError('say what to do: init or serve')
  if (directory === undefined || others.length > 0) throw new UsageError('name one folder')
  const { name, ...serving } = values
  if (verb === 'init') {
    if (Object.keys(serving).length > 0) throw new UsageError(`init has no flag but --name`)
    if (name === undefined) throw new UsageError('--name says what the witness is called')
    return initWitness(io, directory, name)
  }
  if (name !== undefined) throw new UsageError('the name was given to init, and stays')
  const { logs, host = '127.0.0.1', port = usualPort } = serving
  if (logs === undefined) throw new UsageError('--logs names the list of logs')
  const pair = pairOf(serving['tls-cert'], serving['tls-key'])
  const portNumber = wholeNumberOf('--port', port, 65_535)
  return serveWitness(io, { directory, logsFile: logs, host, port: portNumber, pair })
}

function pairOf(certificateFile: string | undefined, keyFile: string | undefined) {
  if (certificateFile === undefined && keyFile === undefined) return undefined
  if (certificateFile !== undefined && keyFile !== undefined) return { certificateFile, keyFile }
  throw new UsageError('--tls-cert and --tls-key belong together')
}
