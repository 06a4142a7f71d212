import { describe, expect, it } from 'vitest'
import { describeFailure } from '../../src/cli/failure-text.ts'
import { programVersion } from '../../src/config/version.ts'
import { runMintline } from './mintline.ts'

describe('mintline', () => {
  it.each([
    ['--help', '<command>'],
    ['-h', '<command>'],
    ['serve --help', 'serve'],
    ['token create -h', 'token create'],
    ['template --help', 'template check']
  ])('%s prints a usage', async (line, command) => {
    const { exitCode, output, errors } = await runMintline(line.split(' '))
    expect(exitCode).toBe(0)
    expect(output.startsWith(`usage: mintline ${command}`)).toBe(true)
    expect(errors).toBe('')
  })

  it.each(['--version', 'version', 'serve --version'])('%s prints the version', async line => {
    expect(await runMintline(line.split(' '))).toEqual({
      exitCode: 0,
      output: `${programVersion}\n`,
      errors: ''
    })
  })

  it('lists the subcommands of template and token', async () => {
    const { output } = await runMintline([])
    for (const name of ['token create', 'template check', 'template explain', 'template export'])
      expect(output).toMatch(new RegExp(`^  ${name} `, 'm'))
  })

  it.each([
    'serve --port 99',
    'check-config now',
    'help x',
    'toString',
    'token',
    'token create --role root --name a',
    'token create --role admin',
    'token create --role admin --name a/b',
    'token create --role admin --name a --file b'
  ])('refuses %s', async line => {
    const { exitCode, output, errors } = await runMintline(line.split(' '))
    expect(exitCode).toBe(2)
    expect(output).toBe('')
    expect(errors).toContain('usage: mintline')
  })
})

describe('an unexpected error', () => {
  it('is called a fault of Mintline on the first line, with its stack below', () => {
    const [first, second, third] = describeFailure(new TypeError('x is not a function')).split('\n')
    expect(first).toContain('fault in Mintline')
    expect(second).toContain('x is not a function')
    expect(third).toMatch(/^ +at /)
  })
})
