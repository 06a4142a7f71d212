import type { Config } from '../../config/config.ts'
import { createCrlStore } from '../../status/crl/crl-store.ts'
import type { CrlTarget } from '../../status/crl/publishing/crl-target.ts'
import { createDirectoryTarget } from '../../status/crl/publishing/directory-target.ts'
import { s3TargetName } from '../../status/crl/publishing/paths.ts'
import { createPublicationStore } from '../../status/crl/publishing/publication-store.ts'
import { createPublications, type Publications } from '../../status/crl/publishing/publications.ts'
import { startPublishingCrls } from '../../status/crl/publishing/publisher.ts'
import type { Core } from '../core.ts'

type Places = Pick<Config, 'crlDirectory' | 'crlS3Bucket' | 'crlS3Region' | 'crlS3Endpoint'>

/** Those that are set. The SDK is loaded where it is needed. */
export async function openCrlTargets(config: Places): Promise<readonly CrlTarget[]> {
  const { crlDirectory, crlS3Bucket, crlS3Region: region, crlS3Endpoint: endpoint } = config
  const targets: CrlTarget[] = []
  if (crlDirectory !== undefined) targets.push(createDirectoryTarget(crlDirectory))
  if (crlS3Bucket !== undefined && region !== undefined) {
    const { createS3Target } = await import('../../status/crl/publishing/s3/s3-target.ts')
    targets.push(createS3Target({ ...crlS3Bucket, region, endpoint }))
  }
  return targets
}

/** Puts CRLs where they are to be besides, by the process that makes them. */
export async function startPublishing({
  config,
  database,
  ...core
}: Core): Promise<{ close(): Promise<void> }> {
  const targets = await openCrlTargets(config)
  return startPublishingCrls({
    ...core,
    targets,
    store: createPublicationStore(database),
    crls: createCrlStore(database)
  })
}

/** What every process tells of it. */
export function openPublications({ config, database, ...core }: Core): Publications {
  const { crlDirectory, crlS3Bucket } = config
  const targets = [
    ...(crlDirectory === undefined ? [] : [crlDirectory]),
    ...(crlS3Bucket === undefined ? [] : [s3TargetName(crlS3Bucket)])
  ]
  return createPublications({
    ...core,
    targets,
    store: createPublicationStore(database),
    crls: createCrlStore(database)
  })
}
