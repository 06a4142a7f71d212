import { describe, expect, it } from 'vitest'
import { readCheckpoint } from '../../../src/transparency/checkpoint.ts'
import { parseSignedNote } from '../../../src/transparency/note/signed-note.ts'
import { verifyCheckpoint } from '../../../src/transparency/note/verification.ts'
import { entriesOf } from '../naive-tree.ts'
import { checkpointText, createKey, signedCheckpoint } from '../signing.ts'

const log = createKey('log.example')
const witness = createKey('witness.example', 'cosignature')
const postQuantum = createKey('witness.example', 'postQuantumCosignature')
const text = checkpointText('log.example', entriesOf(5))
const time = 1_790_000_000
const read = (note: string) => readCheckpoint(parseSignedNote(note))

async function verdicts(note: string, keys = [log, witness, postQuantum]) {
  const found = await verifyCheckpoint(
    read(note),
    keys.map(({ verifierKey }) => verifierKey)
  )
  return found.map(({ key, isValid, time }) => [key.type, isValid, time])
}

describe('a checkpoint', () => {
  it('is verified by each key that is trusted', async () => {
    expect(await verdicts(signedCheckpoint(text, [log, witness, postQuantum], time))).toEqual([
      ['note', true, undefined],
      ['cosignature', true, time],
      ['postQuantumCosignature', true, time]
    ])
  })

  it('of another tree than was signed is not valid by any', async () => {
    const other = checkpointText('log.example', entriesOf(6))
    const note = signedCheckpoint(text, [log, witness, postQuantum], time).replace(text, other)
    expect((await verdicts(note)).map(([, isValid]) => isValid)).toEqual([false, false, false])
  })

  it.each([witness, postQuantum])('with a cosignature of another time is not valid', async key => {
    const note = parseSignedNote(signedCheckpoint(text, [key], time))
    const [signature] = note.signatures
    const octets = signature!.octets.with(7, signature!.octets[7]! ^ 1)
    const checkpoint = readCheckpoint({ ...note, signatures: [{ ...signature!, octets }] })
    expect(await verifyCheckpoint(checkpoint, [key.verifierKey])).toMatchObject([{ isValid: false }])
  })

  it('says nothing by keys that are not trusted, also of a name or key id that is', async () => {
    const namesake = createKey('log.example')
    expect(await verdicts(signedCheckpoint(text, [namesake]), [log])).toEqual([])
    const { keyIdHex } = log.verifierKey
    const sameId = { ...namesake, verifierKey: { ...namesake.verifierKey, name: 'other', keyIdHex } }
    expect(await verdicts(signedCheckpoint(text, [sameId]), [log])).toEqual([])
  })

  it('of a cosignature that is cut off is not valid', async () => {
    for (const length of [1, 8, 9, 71]) {
      const { name, keyIdHex } = witness.verifierKey
      const note = { text, signatures: [{ name, keyIdHex, octets: new Uint8Array(length) }] }
      const found = await verifyCheckpoint(readCheckpoint(note), [witness.verifierKey])
      expect(found).toMatchObject([{ isValid: false }])
    }
  })
})
