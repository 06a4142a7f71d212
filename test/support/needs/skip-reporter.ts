import type { Reporter, TestCase, TestModule, TestRunEndReason, Vitest } from 'vitest/node'

interface Skip {
  readonly test: TestCase
  readonly reason: string
  /** By the test itself, with `skip(reason)`: for what no tool can bring. */
  readonly isAccepted: boolean
}

/**
 * Tells at the end of a run what was skipped, and why. In CI, where `.ci/run` has installed every tool that tests need,
 * the run fails for each skip that is not accepted.
 */
export default class SkipReporter implements Reporter {
  #vitest!: Vitest

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, end: TestRunEndReason): void {
    // Of a run that is cut off, or asks for tests by name, most is left out.
    if (end === 'interrupted' || this.#vitest.config.testNamePattern !== undefined) return
    const skips = modules.flatMap(module => [...module.children.allTests('skipped')]).flatMap(skipOf)
    const { logger } = this.#vitest
    for (const [reason, ofReason] of Map.groupBy(skips, skip => skip.reason)) {
      const files = Map.groupBy(ofReason, ({ test }) => test.module.relativeModuleId)
      const counts = [...files].map(([file, { length }]) => `  ${file} (${length})`)
      logger.log([`Skipped ${reason}:`, ...counts].join('\n'))
    }
    const offences = skips.filter(({ isAccepted }) => !isAccepted).length
    if (offences === 0 || !process.env['CI']) return
    logger.error(`${offences} skipped, and CI skips nothing: install what is missing in .ci/run.`)
    process.exitCode = 1
  }
}

function skipOf(test: TestCase): readonly Skip[] {
  const result = test.result()
  const note = result.state === 'skipped' ? result.note : undefined
  if (note !== undefined) return [{ test, reason: `since ${note}`, isAccepted: true }]
  let reason = test.meta().skippedFor
  for (let group = test.parent; group.type === 'suite'; group = group.parent) {
    // What comes after a failed set-up is skipped too, and the run fails for that.
    if (group.errors().length > 0) return []
    reason ??= group.meta().skippedFor
  }
  if (test.module.errors().length > 0) return []
  return [{ test, reason: reason ?? 'without saying why', isAccepted: false }]
}
