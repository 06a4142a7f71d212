/**
 * What nothing uses is an error: files, exports, types, dependencies. Tests, benchmarks and scripts count as users; a
 * second run, of what is marked `!`, finds what of the program only they use; an export that is for them says so, and why,
 * with `@internal`. The entry `src/main.ts` is the `bin` of package.json; tests and the configuration of tools are found by
 * asking those tools.
 *
 * @type {import('knip').KnipConfig}
 */
export default {
  entry: [
    'bench/*.ts',
    'bench/seed/worker.ts',
    'scripts/*.ts',
    // Of runs that test/skips.e2e.test.ts starts.
    'test/fixtures/skips/*.ts',
    // Makes the fixtures anew, by hand.
    'test/support/weak-keys/make-fixtures.ts',
    // Started as threads and as a process, by a URL.
    'src/exports/encoding/encoder-worker.ts!',
    'src/factory/key-audit/comparison-worker.ts!',
    'src/signing/signers/local/key-thread-worker.ts!',
    'src/signing/signers/pkcs11/token-process/main.ts!',
    'src/signing/signers/pkcs11/token-process/parent-watch-worker.ts!',
    // What a ledger of our own is made of: the service builds on it.
    'src/evidence/{disclosure,entry,seal,sent}.ts!',
    'src/transparency/{format-checkpoint,format-tlog-proof}.ts!',
    'src/transparency/tile/*.ts!',
    'src/transparency/tree/compact-range.ts!',
    // The browser's side of `#crypto` in src/package.json.
    'src/pki/crypto/web-crypto.ts!'
  ],
  project: [
    'src/**/*.ts!',
    'test/**/*.ts',
    'bench/**/*.ts',
    'scripts/**/*.ts',
    'prisma/*.prisma',
    '*.{js,ts}'
  ],
  // A bound or a step that a test looks at is the module's own; what the module itself does not use is of no use but to tests.
  ignoreExportsUsedInFile: true,
  ignoreDependencies: [
    // The generated client imports it, and is not in git.
    '@prisma/client'
  ],
  // Of the machine, not of npm: `.ci/run` installs them, and cfssl is there where somebody wants the comparison.
  ignoreBinaries: [
    'faketime',
    'nginx',
    'openssl',
    'ssh-keygen',
    'certtool',
    'softhsm2-util',
    'cc',
    'go',
    'mosquitto_pub',
    'chromium',
    'cfssl',
    'cfssljson',
    // A small volume to be filled; the test is skipped where nobody may mount one.
    'mount',
    'umount'
  ]
}
