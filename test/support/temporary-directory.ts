import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string
  remove(): Promise<void>
}

/** With mode 0700, as `mktemp -d` makes them. */
export async function createTemporaryDirectory(): Promise<TemporaryDirectory> {
  const directory = await mkdtemp(path.join(tmpdir(), 'mintline-test-'))
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
  return { path: directory, remove, [Symbol.asyncDispose]: remove }
}
