#!/usr/bin/env node
import './config/compile-cache.ts'
import './config/thread-pool.ts'
import { type Command, type CommandIo, UsageError } from './cli/command.ts'
import { describeFailure } from './cli/failure-text.ts'
import { describeSettings } from './config/description.ts'
import { useHttpsProxy } from './config/environment/proxy.ts'
import { programVersion } from './config/version.ts'

const usage = `usage: mintline <command>

  serve             run the service
  check-config      try the settings without starting anything
  enroll            have CSRs certified, as a station does
  export            write a list of the service into a file: CSV, NDJSON, XLSX or Parquet
  station certificate  have the station's own certificate issued, and renewed
  tls init          make a certificate to try TLS with
  token create      make a token: the first one, or one in the place of a lost one
  lot verify        verify the statement of a closed lot, offline
  months            take the records of old months out of the database, and put them back
  verify receipt    verify that a transparency log has an entry, offline
  witness init      make a witness for transparency logs, for another site
  witness serve     cosign the checkpoints of logs that have only grown
  webhook test      send a signed sample to the webhook and say what came back
  keys audit        look for weak RSA keys, and for those that share a prime, among all on record
  search rebuild    make anew what records are searched by
  authority import  take over a CA key that was made elsewhere
  ceremony root     make an offline root, without a database
  ceremony sign     sign an authority's request with it
  aws required-actions  say what the role for a provisioning template must allow
  template check    say what AWS IoT would make of a provisioning template
  template explain  say in plain words what a template creates
  template export   write the registration config for the AWS CLI
  profile init      write a first profile for a provisioning template
  rehearse          play the whole road of a device on this machine, with no AWS account
  rehearse aws      run a stand-in of AWS IoT Core
  rehearse kms      run a stand-in of AWS KMS
  version           print the version
  help              print this

\`mintline <command> --help\` says more of a command.

Settings are environment variables:
${describeSettings()}
`

/** Loaded when called for: most commands need little of the service. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  async serve() {
    const { describeServeUsage, runServe } = await import('./cli/serve.ts')
    return { usage: describeServeUsage, run: withoutArguments(runServe) }
  },
  async 'check-config'() {
    const { checkConfigUsage, runCheckConfig } = await import('./cli/check-config.ts')
    return { usage: checkConfigUsage, run: withoutArguments(runCheckConfig) }
  },
  async token() {
    const { runToken, tokenUsage } = await import('./cli/token.ts')
    return { usage: tokenUsage, run: runToken }
  },
  async enroll() {
    const { enrollUsage, runEnroll } = await import('./cli/enroll/enroll.ts')
    const isWatched = process.stderr.isTTY
    return { usage: enrollUsage, run: (io, args) => runEnroll({ ...io, isWatched }, args) }
  },
  async export() {
    const { exportUsage, runExport } = await import('./cli/export/export.ts')
    const isWatched = process.stderr.isTTY
    return { usage: exportUsage, run: (io, args) => runExport({ ...io, isWatched }, args) }
  },
  async station() {
    const { runStation, stationUsage } = await import('./cli/station/station.ts')
    return { usage: stationUsage, run: runStation }
  },
  async tls() {
    const { runTls, tlsUsage } = await import('./cli/tls/tls.ts')
    return { usage: tlsUsage, run: runTls }
  },
  async template() {
    const { runTemplateCommand, templateUsage } = await import('./cli/template/template.ts')
    const { stdin, stdout } = process
    return {
      usage: templateUsage,
      run: (io, args) => runTemplateCommand(args, { ...io, isTerminal: stdout.isTTY, standardInput: stdin })
    }
  },
  async profile() {
    const { profileUsage, runProfile } = await import('./cli/profile.ts')
    return { usage: profileUsage, run: runProfile }
  },
  async aws() {
    const { awsUsage, runAws } = await import('./cli/aws.ts')
    return { usage: awsUsage, run: runAws }
  },
  async webhook() {
    const { runWebhook, webhookUsage } = await import('./cli/webhook/webhook.ts')
    return { usage: webhookUsage, run: runWebhook }
  },
  async verify() {
    const { runVerify, verifyUsage } = await import('./cli/verify/verify.ts')
    return { usage: verifyUsage, run: runVerify }
  },
  async witness() {
    const { runWitness, witnessUsage } = await import('./cli/witness/witness.ts')
    return { usage: witnessUsage, run: runWitness }
  },
  async lot() {
    const { lotUsage, runLot } = await import('./cli/lot/lot.ts')
    return { usage: lotUsage, run: runLot }
  },
  async keys() {
    const { keysUsage, runKeys } = await import('./cli/keys/keys.ts')
    const { stderr } = process
    return { usage: keysUsage, run: (io, args) => runKeys({ ...io, isTerminal: stderr.isTTY }, args) }
  },
  async search() {
    const { runSearch, searchUsage } = await import('./cli/search/search.ts')
    const { stderr } = process
    return { usage: searchUsage, run: (io, args) => runSearch({ ...io, isTerminal: stderr.isTTY }, args) }
  },
  async months() {
    const { monthsUsage, runMonths } = await import('./cli/months/months.ts')
    const { stderr } = process
    return { usage: monthsUsage, run: (io, args) => runMonths({ ...io, isTerminal: stderr.isTTY }, args) }
  },
  async authority() {
    const { authorityUsage, runAuthority } = await import('./cli/authority.ts')
    return { usage: authorityUsage, run: runAuthority }
  },
  async ceremony() {
    const { ceremonyUsage, runCeremony } = await import('./cli/ceremony.ts')
    return { usage: ceremonyUsage, run: runCeremony }
  },
  async rehearse() {
    const { rehearseUsageOf, runRehearse } = await import('./cli/rehearse/rehearse.ts')
    return { usage: rehearseUsageOf, run: runRehearse }
  },
  version: async () => ({ usage: 'usage: mintline version\n', run: withoutArguments(printVersion) }),
  async help() {
    const { describeMissingPackages } = await import('./cli/optional-packages.ts')
    const help = async () => `${usage}\n${await describeMissingPackages()}`.trimEnd() + '\n'
    return { usage: help, run: withoutArguments(async io => (io.write(await help()), 0)) }
  }
}

/** What is asked for instead of a command, or of any command. */
const versionFlag = '--version'
const helpFlags: readonly string[] = ['--help', '-h']

async function main(args: readonly string[], io: CommandIo): Promise<number> {
  const [first = 'help', ...rest] = args
  const name = helpFlags.includes(first) ? 'help' : first === versionFlag ? 'version' : first
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load === undefined) {
    io.writeError(`mintline: there is no command ${name}\n\n${usage}`)
    return 2
  }
  const command = await load()
  if (rest.some(argument => helpFlags.includes(argument))) {
    io.write(await usageOf(command, rest))
    return 0
  }
  if (rest.includes(versionFlag)) return printVersion(io)
  try {
    useHttpsProxy(io.environment)
    return await command.run(io, rest)
  } catch (error) {
    if (error instanceof UsageError) {
      io.writeError(`mintline ${name}: ${error.message}\n\n${await usageOf(command, rest)}`)
      return 2
    }
    io.writeError(describeFailure(error))
    return 1
  }
}

async function usageOf({ usage: text }: Command, args: readonly string[]): Promise<string> {
  return typeof text === 'string' ? text : text(args)
}

function withoutArguments(run: (io: CommandIo) => Promise<number> | number): Command['run'] {
  return (io, args) => {
    if (args.length > 0) throw new UsageError(`there is no argument ${args.join(' ')}`)
    return run(io)
  }
}

function printVersion(io: CommandIo): number {
  io.write(`${programVersion}\n`)
  return 0
}

const io: CommandIo = {
  environment: process.env,
  write: text => void process.stdout.write(text),
  writeError: text => void process.stderr.write(text)
}

process.once('uncaughtException', (error: NodeJS.ErrnoException) => {
  // Whoever read our output has left; there is nobody to tell.
  if (error.code !== 'EPIPE') io.writeError(describeFailure(error))
  process.exit(1)
})
process.exitCode = await main(process.argv.slice(2), io)
