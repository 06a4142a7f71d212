import { describe, expect, it } from 'vitest'
import { readCheckpoint } from '../../src/transparency/checkpoint.ts'
import { parseSignedNote } from '../../src/transparency/note/signed-note.ts'
import { verifyCheckpoint } from '../../src/transparency/note/verification.ts'
import { witnessKeyOf } from '../../src/witness/keys.ts'
import { formatState, readState, type WitnessState } from '../../src/witness/state.ts'
import { Witness } from '../../src/witness/witness.ts'
import { silentLog } from '../support/silent-log.ts'
import { entriesOf } from '../transparency/naive-tree.ts'
import {
  addCheckpointBody,
  addCheckpointOf,
  checkpointText,
  createKey,
  signedCheckpoint
} from '../transparency/signing.ts'

const log = createKey('log.example')
const [ed25519, mlDsa] = (['cosignature', 'postQuantumCosignature'] as const).map(type =>
  witnessKeyOf('witness.example', type, createKey('witness.example', type).privateKey)
)
const keys = [ed25519!, mlDsa!] as const
const verifierKeys = keys.map(({ verifierKey }) => verifierKey)
const entries = entriesOf(40)
const first = 1_800_000_000

/** A witness whose disk and clock a test holds. */
async function openWitness(text = formatState('witness.example', new Map())) {
  const disk = { text, writes: 0, wait: Promise.resolve(), error: undefined as Error | undefined }
  const time = { now: first }
  const told: object[] = []
  const tell = (fields: object, message: string) => void told.push({ ...fields, message })
  const witness = new Witness({
    keys,
    logs: new Map([['log.example', [log.verifierKey]]]),
    state: await readState(disk.text, ed25519!.verifierKey),
    async keep(state: WitnessState) {
      await disk.wait
      if (disk.error !== undefined) throw disk.error
      disk.writes++
      disk.text = formatState('witness.example', state)
    },
    clock: () => new Date(time.now * 1_000),
    log: { info: tell, error: tell }
  })
  const ask = (body: string) => witness.addCheckpoint(Buffer.from(body))
  /** As a log does that has grown to `size`. */
  const add = (oldSize: number, size: number) => ask(addCheckpointBody(log, oldSize, entries.slice(0, size)))
  return { disk, time, told, ask, add }
}

async function cosignedAt(size: number, lines: string) {
  const note = signedCheckpoint(checkpointText('log.example', entries.slice(0, size)), [log]) + lines
  const verdicts = await verifyCheckpoint(readCheckpoint(parseSignedNote(note)), verifierKeys)
  return verdicts.map(({ isValid, time }) => isValid && time)
}

describe('a witness', () => {
  it('cosigns with both keys what goes on from what it cosigned before', async () => {
    const { add, time } = await openWitness()
    for (const [oldSize, size] of [
      [0, 5],
      [5, 6],
      [6, 40],
      [40, 40]
    ] as const) {
      const { status, body } = await add(oldSize, size)
      expect(status).toBe(200)
      expect(await cosignedAt(size, body)).toEqual([time.now, time.now])
      time.now++
    }
  })

  it('goes on from what is on the disk, where it was cut off', async () => {
    const before = await openWitness()
    await before.add(0, 7)
    const after = await openWitness(before.disk.text)
    expect(await after.add(0, 9)).toMatchObject({ status: 409, contentType: 'text/x.tlog.size', body: '7\n' })
    expect(await after.add(7, 9)).toMatchObject({ status: 200 })
  })

  const fork = [...entries.slice(0, 9), new Uint8Array(1)]
  it.each([
    ['another old size than the last', 409, addCheckpointBody(log, 3, entries.slice(0, 12))],
    ['an older checkpoint', 409, addCheckpointBody(log, 4, entries.slice(0, 4))],
    ['another tree of the same size', 409, addCheckpointBody(log, 10, fork)],
    ['a larger tree of other entries', 422, addCheckpointBody(log, 10, [...fork, ...fork])],
    [
      'a proof where none is',
      422,
      addCheckpointBody(log, 10, entries.slice(0, 10)).replace('\n', `\n${new Uint8Array(32).toBase64()}\n`)
    ],
    [
      'a proof that lacks a hash',
      422,
      addCheckpointBody(log, 10, entries.slice(0, 12)).replace(/\n.*\n/, '\n')
    ],
    [
      'an unknown origin',
      404,
      addCheckpointOf('other.example', 0, { key: log, entries: entries.slice(0, 12) })
    ],
    [
      'a signature of another key',
      403,
      addCheckpointBody(createKey('log.example'), 10, entries.slice(0, 12))
    ],
    [
      'a signature on another text',
      403,
      addCheckpointBody(log, 10, entries.slice(0, 12)).replace('\n12\n', '\n13\n')
    ],
    [
      'a larger old size than the checkpoint',
      400,
      addCheckpointBody(log, 4, entries.slice(0, 4)).replace('old 4', 'old 10')
    ],
    ['what is no request', 400, 'old 10\n']
  ])('refuses %s with %i, and stays where it was', async (_, status, body) => {
    const { ask, add, disk } = await openWitness()
    await add(0, 10)
    const kept = disk.text
    expect((await ask(body)).status).toBe(status)
    expect(disk.text).toBe(kept)
    expect((await add(10, 11)).status).toBe(200)
  })

  it('tells the size where to go on from, also of a log that it has never cosigned', async () => {
    const { add } = await openWitness()
    expect(await add(4, 9)).toEqual({ status: 409, contentType: 'text/x.tlog.size', body: '0\n' })
  })

  it('has both signed trees of a fork in its log', async () => {
    const { ask, add, told } = await openWitness()
    await add(0, 10)
    for (let i = 0; i < 3; i++) await ask(addCheckpointBody(log, 10, fork))
    const evidence = told.filter(fields => 'refused' in fields)
    expect(evidence).toHaveLength(1)
    const { refused, cosignedBefore } = evidence[0] as { refused: string; cosignedBefore: string }
    for (const note of [refused, cosignedBefore]) {
      const checkpoint = readCheckpoint(parseSignedNote(note))
      expect(await verifyCheckpoint(checkpoint, [log.verifierKey])).toMatchObject([{ isValid: true }])
    }
    expect(refused).not.toContain(cosignedBefore.split('\n')[2])
  })

  it('cosigns nothing that it cannot keep', async () => {
    const { add, disk } = await openWitness()
    await add(0, 3)
    disk.error = new Error('no space left on device')
    expect((await add(3, 5)).status).toBe(503)
    disk.error = undefined
    expect((await add(3, 4)).status).toBe(200)
  })

  it('lets one alone of many go on from the same size', async () => {
    const { add, disk } = await openWitness()
    await add(0, 3)
    const answers = await Promise.all([4, 5, 6, 7, 8].map(size => add(3, size)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409, 409])
    expect(disk.writes).toBe(2)
  })

  it('has 64 wait, and refuses more', async () => {
    const { add, disk } = await openWitness()
    const gate = Promise.withResolvers<void>()
    disk.wait = gate.promise
    const answers = Array.from({ length: 70 }, () => add(0, 3))
    const refused = await Promise.race([Promise.any(answers), new Promise(r => setTimeout(r, 5_000))])
    expect(refused).toMatchObject({ status: 503 })
    gate.resolve()
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.filter(status => status === 503)).toHaveLength(6)
  })

  it('signs once in a second for who asks again and again', async () => {
    const { add, time } = await openWitness()
    await add(0, 3)
    const [a, b] = [await add(3, 3), await add(3, 3)]
    expect(a.body).toBe(b.body)
    time.now++
    expect((await add(3, 3)).body).not.toBe(a.body)
  })

  it('signs nothing while the clock is behind what it signed last', async () => {
    const { add, time, disk } = await openWitness()
    await add(0, 3)
    time.now--
    expect((await add(3, 4)).status).toBe(503)
    expect(disk.writes).toBe(1)
    time.now++
    expect((await add(3, 4)).status).toBe(200)
  })

  it('refuses a name that ML-DSA cannot sign', async () => {
    const name = 'o'.repeat(256)
    const key = createKey(name)
    const witness = new Witness({
      keys,
      logs: new Map([[name, [key.verifierKey]]]),
      state: new Map(),
      keep: async () => undefined,
      clock: () => new Date(first * 1_000),
      log: silentLog
    })
    const body = Buffer.from(addCheckpointBody(key, 0, entries.slice(0, 2)))
    expect((await witness.addCheckpoint(body)).status).toBe(422)
  })

  it('takes an empty tree for a beginning, with the root that it has', async () => {
    const { ask, add, disk } = await openWitness()
    expect((await add(0, 0)).status).toBe(200)
    const wrong = `log.example\n0\n${new Uint8Array(32).toBase64()}\n`
    expect((await ask(`old 0\n\n${signedCheckpoint(wrong, [log])}`)).status).toBe(422)
    expect((await add(0, 3)).status).toBe(200)
    expect(disk.writes).toBe(2)
  })
})
