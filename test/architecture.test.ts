import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { programScripts, root } from '../scripts/bundle/bundle.ts'

const source = fileURLToPath(new URL('../src/', import.meta.url))

/** Folders that every other may use, the pure ones `errors` alone: they import nothing of ours but each other. */
const leaves = ['errors', 'sources']

const pure = ['pki', 'jitp', 'transparency', 'evidence']

/** Folder → the folders whose modules it may import, besides its own and the leaves. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  sources: [],
  pki: [],
  jitp: ['pki'],
  transparency: ['pki'],
  evidence: ['pki'],
  database: [],
  'aws-client': [],
  audit: ['database', 'evidence'],
  access: [...pure, 'database', 'audit', 'factory', 'tls'],
  clock: ['audit', 'database'],
  storage: ['database'],
  signing: [...pure, 'database', 'aws-client'],
  factory: [...pure, 'database', 'audit'],
  authorities: [...pure, 'database', 'audit', 'signing', 'access', 'factory'],
  profiles: [...pure, 'database', 'audit', 'access'],
  records: [...pure, 'audit', 'database', 'signing'],
  revocation: ['pki', 'audit', 'database', 'factory', 'jobs', 'records'],
  status: ['pki', 'clock', 'database', 'aws-client', 'signing', 'authorities', 'records'],
  mes: ['events', 'records'],
  issuance: [
    ...pure,
    'mes',
    'audit',
    'clock',
    'database',
    'signing',
    'authorities',
    'access',
    'profiles',
    'factory',
    'records'
  ],
  'station-certificates': [
    'pki',
    'audit',
    'clock',
    'database',
    'signing',
    'authorities',
    'access',
    'factory'
  ],
  jobs: ['pki', 'database'],
  exports: ['audit', 'database', 'jobs'],
  events: [...pure, 'audit', 'database', 'jobs', 'records'],
  aws: [...pure, 'database', 'audit', 'aws-client', 'signing', 'authorities', 'profiles', 'access', 'jobs'],
  starter: ['pki', 'audit', 'authorities', 'signing', 'access', 'factory', 'profiles', 'database'],
  http: [
    ...pure,
    'audit',
    'clock',
    'issuance',
    'records',
    'revocation',
    'status',
    'profiles',
    'access',
    'factory',
    'authorities',
    'station-certificates',
    'signing',
    'jobs',
    'exports',
    'events',
    'aws',
    'monitoring',
    'tls'
  ],
  monitoring: ['pki', 'database', 'clock', 'storage', 'authorities', 'events', 'jobs', 'status'],
  witness: ['pki', 'transparency'],
  rehearsal: pure,
  tls: ['pki'],
  config: ['events', 'mes', 'tls', 'access'],
  composition: ['*'],
  cli: ['*'],
  '.': ['*']
}

interface Import {
  readonly from: string
  readonly specifier: string
  /** Path below src, for our own modules. */
  readonly target: string | undefined
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  file => file.endsWith('.ts') && !file.startsWith('database/generated/')
)

/** What `imports` in src/package.json binds, as Node binds it. */
const bindings: Readonly<Record<string, string>> = { '#crypto': 'pki/crypto/node-crypto.ts' }

function targetOf(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.')
    ? relative(source, join(source, from, '..', specifier))
    : bindings[specifier]
}

const imports: readonly Import[] = files.flatMap(from =>
  [...readFileSync(join(source, from), 'utf8').matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(
    match => ({ from, specifier: match[1]!, target: targetOf(from, match[1]!) })
  )
)

/** Tarjan's strongly connected components of more than one module: each is, or holds, a cycle. */
function findCycles(): readonly string[] {
  const targets = Map.groupBy(imports, ({ from }) => from)
  const order = new Map<string, number>()
  const stack: string[] = []
  const cycles: string[] = []
  const visit = (file: string): number => {
    order.set(file, order.size)
    let low = order.get(file)!
    stack.push(file)
    for (const { target } of targets.get(file) ?? []) {
      if (target === undefined || !files.includes(target)) continue
      if (!order.has(target)) low = Math.min(low, visit(target))
      else if (stack.includes(target)) low = Math.min(low, order.get(target)!)
    }
    if (low === order.get(file)) {
      const component = stack.splice(stack.indexOf(file))
      if (component.length > 1) cycles.push(component.sort().join(', '))
    }
    return low
  }
  for (const file of files) if (!order.has(file)) visit(file)
  return cycles
}

const isPure = (path: string) => pure.includes(folderOf(path))

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '.')

const mayTouchDatabase = (file: string) => file.startsWith('database/') || file.endsWith('-store.ts')

const mentioning = (pattern: RegExp) =>
  files.filter(file => pattern.test(readFileSync(join(source, file), 'utf8')))

function breaches(isBreach: (candidate: Import) => boolean): string[] {
  return imports.filter(isBreach).map(({ from, specifier }) => `${from} imports ${specifier}`)
}

describe('imports', () => {
  it('are found at all', () => {
    expect(imports.length).toBeGreaterThan(200)
  })

  it('stay inside what each folder may know', () => {
    expect(
      breaches(({ from, target }) => {
        if (target === undefined) return false
        const [folder, other] = [folderOf(from), folderOf(target)]
        const allowed = [...(mayImport[folder] ?? []), ...(isPure(from) ? ['errors'] : leaves)]
        return other !== folder && !allowed.includes('*') && !allowed.includes(other)
      })
    ).toEqual([])
  })

  it('of the leaves are none but leaves', () => {
    expect(
      breaches(
        ({ from, target }) =>
          leaves.includes(folderOf(from)) && target !== undefined && !leaves.includes(folderOf(target))
      )
    ).toEqual([])
  })

  it('reach Prisma and pg from the database folder and the stores alone', () => {
    expect(
      breaches(
        ({ from, specifier, target }) =>
          !mayTouchDatabase(from) &&
          (/^(pg|@prisma\/.*)$/.test(specifier) || target?.startsWith('database/generated/') === true)
      )
    ).toEqual([])
  })

  it('are all there is by which anything reaches the database', () => {
    const reaching = /\.prisma\b|\$(?:queryRaw|executeRaw|transaction)|\binsertAuditEvents?\b/
    expect(mentioning(reaching).filter(file => !mayTouchDatabase(file))).toEqual([])
  })

  it('reach an AWS SDK from the aws folders, the KMS signer, the bucket of CRLs and the story of the rehearsal alone', () => {
    const mayTouch = (from: string) =>
      from.startsWith('aws/') ||
      from.startsWith('aws-client/') ||
      from.startsWith('signing/signers/kms/') ||
      from.startsWith('status/crl/publishing/s3/') ||
      from.startsWith('rehearsal/story/')
    expect(breaches(({ from, specifier }) => !mayTouch(from) && specifier.startsWith('@aws-sdk/'))).toEqual(
      []
    )
  })

  it('reach aws-client from status by way of the bucket of CRLs alone', () => {
    expect(
      breaches(
        ({ from, target }) =>
          from.startsWith('status/') &&
          !from.startsWith('status/crl/publishing/s3/') &&
          target?.startsWith('aws-client/') === true
      )
    ).toEqual([])
  })

  it('reach aws-client from signing by way of the KMS signer alone', () => {
    expect(
      breaches(
        ({ from, target }) =>
          from.startsWith('signing/') &&
          !from.startsWith('signing/signers/kms/') &&
          target?.startsWith('aws-client/') === true
      )
    ).toEqual([])
  })

  it('keep stores, the database and Prisma out of http', () => {
    expect(
      breaches(
        ({ from, target }) =>
          from.startsWith('http/') &&
          (target?.startsWith('database/') === true || target?.endsWith('-store.ts') === true)
      )
    ).toEqual([])
  })

  it('keep what is known of registrations out of what speaks to AWS IoT', () => {
    expect(
      breaches(
        ({ from, target }) => from.startsWith('aws/iot/') && target?.startsWith('aws/registrations/') === true
      )
    ).toEqual([])
  })

  it('reach Node from the pure folders in the binding of its cryptography alone', () => {
    expect(
      breaches(
        ({ from, specifier }) =>
          isPure(from) && specifier.startsWith('node:') && from !== 'pki/crypto/node-crypto.ts'
      )
    ).toEqual([])
  })

  it('reach from the pure folders the packages alone that each is there for', () => {
    const mayTouch: Readonly<Record<string, RegExp>> = {
      'pki/crypto/node-crypto.ts': /^node:crypto$/,
      'pki/crypto/web-crypto.ts': /^@noble\/hashes\//,
      'pki/certificate/authority/tbs-certificate.ts': /^(pkijs|asn1js)$/,
      'jitp/reading/forms/yaml-size.ts': /^yaml$/,
      'jitp/reading/forms/yaml-source.ts': /^yaml$/
    }
    expect(
      breaches(
        ({ from, specifier, target }) =>
          isPure(from) && target === undefined && mayTouch[from]?.test(specifier) !== true
      )
    ).toEqual([])
  })

  it('never lead back to where they came from', () => {
    expect(findCycles()).toEqual([])
  })
})

describe('the signing room', () => {
  it('alone uses a CA key to sign', () => {
    // The stand-ins of AWS have keys of their own, and so have statements of lots, which are no CA's of ours.
    // Called, taken out of its signer, or by its name in brackets.
    const callers = mentioning(
      /\.sign\b|\['sign'\]|\{[^{}'`]*\bsign\b[^{}'`]*\}(?:: [\w<>[\]|&' ,.]+)?(?: =|\)| \}| of\b)/
    ).filter(file => !file.startsWith('rehearsal/') && file !== 'factory/lots/statement/statement.ts')
    expect(callers.filter(file => !file.startsWith('signing/signers/')).sort()).toEqual([
      'signing/sign-durable.ts',
      'signing/sign-without-intent.ts'
    ])
  })

  it('takes the word of stores alone that something is durable', () => {
    const vouching = mentioning(/\bvouchDurable\b/).filter(file => file !== 'signing/durable.ts')
    expect(vouching.length).toBeGreaterThan(2)
    expect(vouching.filter(file => !file.endsWith('-store.ts'))).toEqual([])
  })

  it('takes it from the drafts of its six kinds that bytes were judged', () => {
    const judging = mentioning(/from '[./]*signing\/judgement\.ts'/)
    expect(judging.sort()).toEqual([
      'authorities/certificates/issue-authority.ts',
      'aws/registrations/verification/verification.ts',
      'issuance/draft.ts',
      'station-certificates/draft.ts',
      'status/crl/making/making.ts',
      'status/ocsp/responder/draft.ts'
    ])
  })

  it('has no exception but for CSRs, of a CA and of a station for itself, and the ceremony', () => {
    expect(mentioning(/\bsignCertificationRequestInfo\b/).sort()).toEqual([
      'authorities/generations/csr-for-upper-ca.ts',
      'cli/station/asking.ts',
      'signing/sign-without-intent.ts'
    ])
    expect(mentioning(/\bsignAtCeremony\b/).sort()).toEqual([
      'authorities/certificates/issue-authority.ts',
      'signing/sign-without-intent.ts'
    ])
  })
})

describe('the source', () => {
  const offenders = (pattern: RegExp, isAllowed: (file: string) => boolean) =>
    files.filter(file => !isAllowed(file) && pattern.test(readFileSync(join(source, file), 'utf8')))

  it('reads the environment in main, cli and config alone', () => {
    const mayRead = (file: string) =>
      file === 'main.ts' || file.startsWith('config/') || file.startsWith('cli/')
    expect(offenders(/process\.env\b/, mayRead)).toEqual([])
  })

  it('has neither clock nor randomness of its own in the pure folders', () => {
    const impure = /\bDate\.now\(|new Date\(\)|Math\.random|randomBytes|randomUUID|getRandomValues/
    expect(offenders(impure, file => !isPure(file))).toEqual([])
  })

  it('has a rule for every folder', () => {
    expect([...new Set(files.map(folderOf))].sort()).toEqual(Object.keys(mayImport).sort())
  })
})

it('every file that is started as a thread is in the bundle', () => {
  const workers = globSync('src/**/*-worker.ts', { cwd: root })
  expect(workers.length).toBeGreaterThan(3)
  expect(programScripts).toEqual(expect.arrayContaining(workers))
})

it('no folder of code holds more than a dozen files', () => {
  const sizes = new Map<string, number>()
  for (const root of ['src', 'test', 'bench', 'scripts']) {
    const folder = fileURLToPath(new URL(`../${root}`, import.meta.url))
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.startsWith('database/generated/')) continue
      const parent = dirname(join(root, file))
      sizes.set(parent, (sizes.get(parent) ?? 0) + 1)
    }
  }
  expect([...sizes].filter(([, size]) => size > 12)).toEqual([])
})
