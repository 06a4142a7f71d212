import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkSettings } from '../../src/config/machine-checks.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { loadMesSystems } from '../../src/mes/mes-file.ts'

const secret = `whsec_${Buffer.alloc(24, 3).toString('base64')}`

let directory: string
const at = (name: string) => join(directory, name)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mes-settings-'))
  writeFileSync(at('secret'), `${secret}\nmore\n`, { mode: 0o600 })
})
afterEach(() => rmSync(directory, { recursive: true }))

function write(entry: object = {}): string {
  const plant = { url: 'https://mes.example/ask', secretFile: at('secret'), ...entry }
  writeFileSync(at('mes.json'), JSON.stringify({ plant }))
  return at('mes.json')
}

const pointersOf = (file: string) =>
  checkSettings({ MINTLINE_DATA_DIR: directory, MINTLINE_MES_FILE: file }).violations.map(
    ({ pointer }) => pointer
  )

/** What the service says at its start. */
function loaded(file: string): readonly string[] {
  try {
    loadMesSystems(file)
    return []
  } catch (error) {
    if (!isMintlineError(error, 'config_invalid')) throw error
    expect(JSON.stringify(error.violations)).not.toContain(secret)
    return error.violations.map(({ pointer }) => pointer)
  }
}

describe('the settings of the systems', () => {
  it('are read with their secret and their deadline', () => {
    const file = write()
    expect(pointersOf(file)).toEqual([])
    expect(loadMesSystems(file).get('plant')).toEqual({
      url: 'https://mes.example/ask',
      key: Buffer.alloc(24, 3),
      timeoutMs: 2_000,
      caPem: undefined
    })
    expect(loadMesSystems(undefined).size).toBe(0)
  })

  it.each<[string, () => string, string]>([
    ['a secret that is not there', () => write({ secretFile: at('none') }), '/plant/secretFile'],
    [
      'a secret that is none',
      () => {
        writeFileSync(at('secret'), 'hunter2')
        return write()
      },
      '/plant/secretFile'
    ],
    ['a CA that is not there', () => write({ caFile: at('none') }), '/plant/caFile'],
    ['a CA that is none', () => write({ caFile: at('secret') }), '/plant/caFile'],
    ['a mistake in an entry', () => write({ timeoutMs: 5 }), '/plant']
  ])('are refused at the start and by check-config with %s', (_name, file, place) => {
    const path = file()
    expect(loaded(path)).toEqual([`MINTLINE_MES_FILE${place}`])
    expect(pointersOf(path)).toEqual([`MINTLINE_MES_FILE${place}`])
  })

  it('are refused where the file is not there', () => {
    expect(loaded(at('nowhere'))).toEqual(['MINTLINE_MES_FILE'])
    expect(pointersOf(at('nowhere'))).toContain('MINTLINE_MES_FILE')
  })

  it('have a secret that others can read refused by check-config', () => {
    chmodSync(at('secret'), 0o644)
    expect(pointersOf(write())).toEqual(['MINTLINE_MES_FILE/plant/secretFile'])
  })
})
