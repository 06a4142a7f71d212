import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const database = ['test/**/*.database.test.ts']
const e2e = ['test/e2e/**/*.test.ts', 'test/**/*.e2e.test.ts']
/** Of the folders that run in browsers, too. */
const pure = ['pki', 'jitp', 'transparency', 'evidence'].map(folder => `test/${folder}/**/*.test.ts`)
const timed = [
  'test/e2e/first-use.test.ts',
  'test/e2e/event-loop/lists.test.ts',
  'test/e2e/event-loop/rsa-keys.test.ts',
  'test/e2e/lines/sick-module.test.ts'
]

/**
 * Each worker, and each program that a test starts, would otherwise compile the same packages anew; the service keeps
 * what it has compiled in the same directory. Coverage counts less precisely in what was compiled before.
 */
if (!process.argv.some(argument => argument.startsWith('--coverage'))) {
  process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
    new URL('node_modules/.cache/mintline', import.meta.url)
  )
}

/** Of what decides about certificates, the percentage of branches that a whole run takes at the least, in its process. */
const leastBranches = { 'src/pki/**': 93, 'src/jitp/**': 91, 'src/issuance/**': 82, 'src/signing/**': 80 }

/**
 * What waits most begins first, and what keeps the processor busy fills up the rest: at the end no worker is left alone
 * with a long file.
 */
class MostPatientFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project }: TestSpecification) =>
      ['e2e', 'database', 'unit', 'web-crypto'].indexOf(project.name)
    const group = ({ project }: TestSpecification) => project.config.sequence.groupOrder
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => group(a) - group(b) || rank(a) - rank(b))
  }
}

type TestOptions = NonNullable<TestProjectInlineConfiguration['test']>

/** @param groupOrder later groups wait for earlier ones */
function project(name: string, groupOrder: number, options: TestOptions): TestProjectInlineConfiguration {
  return { extends: true, test: { name, sequence: { groupOrder }, ...options } }
}

/**
 * Ends what hangs; what is to take a certain time is held to it by an assertion, in a test that runs alone. On a machine
 * that has other things to do, too, processes take many times as long.
 */
const patient = { testTimeout: 180_000, hookTimeout: 180_000 }
const withPostgres = { globalSetup: ['test/support/postgres/global-setup.ts'] }
const withProcesses = {
  globalSetup: [...withPostgres.globalSetup, 'test/support/program/global-setup.ts'],
  setupFiles: ['test/support/program/compile-cache.ts']
}

/**
 * The name of a file says what its tests need, and test/projects.test.ts holds them to it.
 *
 * | project | files | needs |
 * | --- | --- | --- |
 * | unit | all others | nothing but its process |
 * | web-crypto | those of `pki`, `jitp`, `transparency` and `evidence` among them, once more | the same, with the cryptography of a browser |
 * | database | `*.database.test.ts` | a real PostgreSQL |
 * | e2e | `*.e2e.test.ts`, and the folder `e2e` | processes and sockets: the service, stand-ins, other people's tools |
 * | e2e-alone | those of them that measure time, of the clock or of a thread that has much to do | a machine that does nothing else |
 */
export default defineConfig({
  test: {
    pool: 'forks',
    // Loading modules anew takes two seconds of the processor's time for each file.
    isolate: false,
    // A tenth of the processor's time: with V8's own 16 MB the young are collected much more often.
    execArgv: ['--max-semi-space-size=64'],
    reporters: ['default', './test/support/needs/skip-reporter.ts'],
    sequence: { sequencer: MostPatientFirst },
    // Much of the time of a test is waiting, on two cores as on many.
    maxWorkers: Math.max(5, availableParallelism()),
    maxConcurrency: 3,
    coverage: {
      include: Object.keys(leastBranches),
      // They run in processes and threads of their own, where nobody counts; the e2e tests of test/signing drive them.
      exclude: ['src/signing/signers/pkcs11/token-process/**', '**/*-worker.ts'],
      reporter: ['text-summary'],
      // So that the thresholds are held to where a test fails, too: it may pass when it is run again (.ci/run).
      reportOnFailure: true,
      thresholds: Object.fromEntries(
        Object.entries(leastBranches).map(([folder, branches]) => [folder, { branches }])
      )
    },
    // Until what is waited for has come; an assertion holds it to a time where it is to have one.
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 90_000,
    hookTimeout: 90_000,
    projects: [
      project('unit', 0, { include: ['test/**/*.test.ts'], exclude: [...database, ...e2e] }),
      {
        ...project('web-crypto', 0, { include: pure, exclude: [...database, ...e2e] }),
        resolve: {
          alias: { '#crypto': fileURLToPath(new URL('src/pki/crypto/web-crypto.ts', import.meta.url)) }
        }
      },
      project('database', 0, { include: database, ...withPostgres }),
      project('e2e', 0, { include: e2e, exclude: timed, ...patient, ...withProcesses }),
      project('e2e-alone', 1, { include: timed, maxWorkers: 1, ...patient, ...withProcesses })
    ]
  }
})
