import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

/** A page of the documentation, for its shell commands. */
export interface Page {
  /** The blocks of commands below a heading and above the next one, as they are to be pasted. */
  commands(heading: string): readonly string[]
  /** Headings of the blocks that nobody has asked for. */
  untried(): readonly string[]
}

/** @param path below the root of the project. */
export function openPage(path: string): Page {
  const blocks = [...blocksOf(readFileSync(join(root, path), 'utf8'))]
  const tried = new Set<string>()
  return {
    commands(heading) {
      tried.add(heading)
      const found = blocks.filter(block => block.heading === heading).map(({ text }) => text)
      if (found.length === 0) throw new Error(`${path} has no commands below the heading ${heading}.`)
      return found
    },
    untried: () => [...new Set(blocks.map(({ heading }) => heading))].filter(heading => !tried.has(heading))
  }
}

function* blocksOf(markdown: string): Generator<{ readonly heading: string; readonly text: string }> {
  let heading = ''
  for (const [, title, text] of markdown.matchAll(/^#+ (.+)$|^```sh\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) heading = title
    else yield { heading, text: text! }
  }
}
