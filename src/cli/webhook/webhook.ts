import { loadCheckedSettings } from '../../config/machine-checks.ts'
import { programVersion } from '../../config/version.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { sendSample } from '../../events/receiver/sample.ts'
import { loadWebhookKey } from '../../events/webhook.ts'
import { createRandomSource } from '../../sources/random-bytes.ts'
import { type CommandIo, parseWordsAndFlags, UsageError } from '../command.ts'

export const webhookUsage = `usage: mintline webhook test

Sends one signed event of the type mintline.webhook.test to the webhook that the settings name, and says what came back.
It tells nothing that happened. The database is not touched, and what waits there stays; the service may run meanwhile.

Ends with 0 when the webhook took it, else with 1.
`

/** @throws UsageError; MintlineError `config_invalid`. */
export async function runWebhook(io: CommandIo, args: readonly string[]): Promise<number> {
  const { positionals } = parseWordsAndFlags(args, {})
  if (positionals.length !== 1 || positionals[0] !== 'test')
    throw new UsageError('the only command is `test`')
  const {
    webhookUrl: url,
    webhookSecretFile,
    webhookPrivateAddresses: allowsPrivate
  } = loadCheckedSettings(io.environment).config
  if (url === undefined || webhookSecretFile === undefined) throw tellMissing()
  const key = loadWebhookKey(webhookSecretFile)
  const begin = performance.now()
  const { verdict, detail } = await sendSample({
    url,
    allowsPrivate,
    key,
    version: programVersion,
    clock: () => new Date(),
    randomBytes: createRandomSource()
  })
  const took = verdict === 'accepted' ? 'It took the sample.' : 'It did not take the sample.'
  // Path and query often are a secret.
  const { origin } = new URL(url)
  io.write(`${origin}: ${detail} ${took} (${Math.round(performance.now() - begin)} ms)\n`)
  return verdict === 'accepted' ? 0 : 1
}

function tellMissing(): MintlineError {
  return new MintlineError('config_invalid', 'The settings name no webhook.', {
    violations: [
      {
        pointer: 'MINTLINE_WEBHOOK_URL',
        expected: 'the address of the webhook',
        found: 'nothing',
        message: 'Set it, and MINTLINE_WEBHOOK_SECRET_FILE with it.'
      }
    ]
  })
}
