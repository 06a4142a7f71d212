import { rolldown, type RolldownPlugin } from 'rolldown'
import { expect } from 'vitest'

/** One script that leaves what it exports in the global `pure`. A warning is a fault. */
export async function bundleForBrowser(
  input: string,
  plugins: readonly RolldownPlugin[] = []
): Promise<string> {
  const build = await rolldown({
    input,
    platform: 'browser',
    plugins: [...plugins],
    onwarn: warning => expect.fail(warning.message)
  })
  const { output } = await build.generate({ format: 'iife', name: 'pure' })
  expect(output).toHaveLength(1)
  return output[0].code
}
