import { describe, expect, it } from 'vitest'
import { readCheckpoint } from '../../src/transparency/checkpoint.ts'
import { parseSignedNote } from '../../src/transparency/note/signed-note.ts'
import { formatState, readState } from '../../src/witness/state.ts'
import { entriesOf } from '../transparency/naive-tree.ts'
import { checkpointText, createKey, signedCheckpoint } from '../transparency/signing.ts'

const witness = createKey('witness.example', 'cosignature')
const log = createKey('log.example')
const time = 1_800_000_000
const read = (text: string) => readState(text, witness.verifierKey)

function cosigned(origin: string, size: number, by = witness) {
  const note = signedCheckpoint(checkpointText(origin, entriesOf(size)), [by, log], time)
  return { checkpoint: readCheckpoint(parseSignedNote(note)), time }
}

const state = new Map([
  ['log.example', cosigned('log.example', 5)],
  ['other.example', cosigned('other.example', 0)]
])
const text = formatState('witness.example', state)

describe('the state of a witness', () => {
  it('is read as it was written', async () => {
    expect(await read(text)).toEqual(state)
    expect(await read(formatState('witness.example', new Map()))).toEqual(new Map())
  })

  const [note] = (JSON.parse(text) as { checkpoints: string[] }).checkpoints
  it.each([
    ['a digit of a size is another', text.replace(String.raw`\n5\n`, String.raw`\n4\n`)],
    ['it is cut off', text.slice(0, -30)],
    ['it is empty', ''],
    ['it is another form', text.replace('state/1', 'state/2')],
    ['it is of another witness', text.replace('witness.example', 'another.example')],
    [
      'a checkpoint is cosigned by another key',
      formatState(
        'witness.example',
        new Map([['log.example', cosigned('log.example', 5, createKey('witness.example', 'cosignature'))]])
      )
    ],
    [
      'a checkpoint is signed by the log alone',
      formatState('witness.example', new Map([['log.example', cosigned('log.example', 5, log)]]))
    ],
    ['a checkpoint is none', JSON.stringify({ ...JSON.parse(text), checkpoints: ['none'] })],
    ['a log is there twice', JSON.stringify({ ...JSON.parse(text), checkpoints: [note, note] })],
    ['it has no checkpoints', JSON.stringify({ ...JSON.parse(text), checkpoints: {} })]
  ])('is refused where %s', async (_, damaged) => {
    expect(damaged).not.toBe(text)
    await expect(read(damaged)).rejects.toMatchObject({ code: 'data_directory_unusable' })
  })
})
