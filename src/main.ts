#!/usr/bin/env node
import './thread-pool.ts'
import { describeSettings, runCheckConfig } from './cli/check-config.ts'
import type { CommandIo } from './cli/command.ts'
import { runServe } from './cli/serve.ts'
import { runTemplateCommand } from './cli/template.ts'
import { isMintlineError, type MintlineError } from './errors.ts'
import { programVersion } from './version.ts'

const usage = `usage: mintline <command>

  serve           run the service
  check-config    try the settings without starting anything
  template        check, explain or export an AWS IoT provisioning template
  version         print the version
  help            print this

Settings are environment variables:
${describeSettings()}
`

const commands: Readonly<
  Record<string, (io: CommandIo, args: readonly string[]) => Promise<number> | number>
> = {
  serve: io => runServe(io),
  'check-config': io => runCheckConfig(io),
  template: (io, args) =>
    runTemplateCommand(args, {
      ...io,
      isTerminal: process.stdout.isTTY,
      standardInput: process.stdin
    }),
  version: io => (io.write(`${programVersion}\n`), 0),
  help: io => (io.write(usage), 0)
}

async function main(args: readonly string[], io: CommandIo): Promise<number> {
  const [name = 'help', ...rest] = args
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    io.writeError(`mintline: there is no command ${name}\n\n${usage}`)
    return 2
  }
  try {
    return await command(io, rest)
  } catch (error) {
    if (!isMintlineError(error)) throw error
    io.writeError(describeError(error))
    return 1
  }
}

function describeError(error: MintlineError): string {
  const violations = error.violations.map(
    ({ pointer, expected, found, message }) =>
      `  ${pointer}: expected ${expected}; found ${found}. ${message}`
  )
  const cause = error.cause instanceof Error ? [`  caused by: ${error.cause.message}`] : []
  return [`mintline: ${error.code}: ${error.detail}`, ...violations, ...cause, ''].join('\n')
}

const code = await main(process.argv.slice(2), {
  environment: process.env,
  write: text => void process.stdout.write(text),
  writeError: text => void process.stderr.write(text)
})
process.exitCode = code
