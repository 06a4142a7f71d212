import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import { type Checkpoint, parseCheckpoint } from '../transparency/checkpoint.ts'
import { formatSignedNote } from '../transparency/note/signed-note.ts'
import { verifyCheckpoint } from '../transparency/note/verification.ts'
import { labelOf, type VerifierKey } from '../transparency/note/verifier-key.ts'

/** The last checkpoint of a log that was cosigned. */
export interface Cosigned {
  /** With the witness's own signature, which vouches for what is read back. */
  readonly checkpoint: Checkpoint
  /** Seconds since 1970. */
  readonly time: number
}

/** By origin. */
export type WitnessState = ReadonlyMap<string, Cosigned>

const form = 'mintline-witness-state/1'

/** All that a witness must never lose, as the text of a file. */
export function formatState(name: string, state: WitnessState): string {
  const checkpoints = [...state.values()].map(({ checkpoint }) => formatSignedNote(checkpoint.note))
  return `${JSON.stringify({ form, witness: name, checkpoints }, null, 2)}\n`
}

/**
 * @param key of the witness: its signature must be on each checkpoint.
 * @throws MintlineError `data_directory_unusable` for what `formatState` did not make, in whatever place it was changed.
 */
export async function readState(text: string, key: VerifierKey): Promise<WitnessState> {
  const state = new Map<string, Cosigned>()
  for (const [index, note] of checkpointsIn(text, key.name).entries()) {
    const { checkpoint, time } = await readCosigned(note, key).catch((error: unknown) => {
      throw isMintlineError(error, 'note_malformed') ? damaged(`checkpoint ${index + 1}`, error) : error
    })
    if (state.has(checkpoint.origin)) throw damaged(`two checkpoints of the log ${checkpoint.origin}`)
    state.set(checkpoint.origin, { checkpoint, time })
  }
  return state
}

function checkpointsIn(text: string, name: string): readonly string[] {
  const found = parseJson(text)
  if (found?.['form'] !== form) throw damaged(`what is not in the form ${form}`)
  if (found['witness'] !== name) throw damaged(`the state of another witness than ${name}`)
  const { checkpoints } = found
  if (!Array.isArray(checkpoints) || !checkpoints.every(each => typeof each === 'string'))
    throw damaged('no list of checkpoints')
  return checkpoints
}

function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

async function readCosigned(text: string, key: VerifierKey): Promise<Cosigned> {
  const checkpoint = parseCheckpoint(text)
  const [verdict] = await verifyCheckpoint(checkpoint, [key])
  if (verdict?.time === undefined || !verdict.isValid)
    throw damaged(`a checkpoint of ${checkpoint.origin} that ${labelOf(key)} did not cosign`)
  return { checkpoint, time: verdict.time }
}

function damaged(found: string, cause?: unknown): MintlineError {
  return new MintlineError(
    'data_directory_unusable',
    `The state of the witness is damaged: found ${found}. An older copy must not take its place: the witness would sign ` +
      'what contradicts what it has signed since. Where the file cannot be mended, make a new witness, with another name, ' +
      'and tell those who trust this one.',
    { cause }
  )
}
