import { makeCertificationRequest } from '../../test/support/certification-request.ts'
import { type RunningMintline, startMintline } from '../support/mintline.ts'
import {
  authorityLines,
  epochCount,
  placeholderOf,
  productionLines,
  products,
  profileRequestOf
} from './factory.ts'

export interface SeededStation {
  readonly name: string
  readonly line: string
  readonly site: string
  /** Id of its token, as bytes. */
  readonly credential: Uint8Array
}

export interface Prepared {
  readonly stations: readonly SeededStation[]
  /** Ids of the issuances that are the models: of each product in each epoch, in this order. */
  readonly models: readonly (readonly string[])[]
}

/** Makes the factory by the service's API on an empty directory, and has one certificate issued of each kind. */
export async function prepareFactory(dataDirectory: string): Promise<Prepared> {
  const mintline = await startMintline({ dataDirectory })
  try {
    const models: string[][] = []
    for (let epoch = 0; epoch < epochCount; epoch++) {
      if (epoch % 2 === 0)
        for (const line of authorityLines) await beginGeneration(mintline, line, epoch / 2 + 1)
      models.push(await issueModels(mintline, epoch))
    }
    return { models, stations: await makeStations(mintline) }
  } finally {
    await mintline.stop()
  }
}

async function beginGeneration({ administer }: RunningMintline, line: string, number: number): Promise<void> {
  await administer('/v1/authorities', {
    line,
    key: { kind: 'local', keyType: 'P-256' },
    subject: { Organization: 'Acme', CommonName: `${line} CA` },
    certificate: { kind: 'self-signed', days: 9125 }
  })
  await administer(`/v1/authorities/${line}-g${number}/activate`, { reason: 'seeded' })
}

/** @returns their ids, in the order of the products. */
async function issueModels(mintline: RunningMintline, epoch: number): Promise<string[]> {
  const ids: string[] = []
  for (const product of products) {
    const request = profileRequestOf(product, epoch)
    const before = epoch === 0 ? undefined : profileRequestOf(product, epoch - 1)
    if (request.description !== before?.description) await mintline.administer('/v1/profiles', request)
    const { CommonName, SerialNumber } = placeholderOf(product)
    // A device has one certificate: each epoch's is another.
    const subject = { ...product.subject, CommonName: markOf(CommonName, epoch), SerialNumber }
    const { host, port, headers } = mintline.issuances
    const answer = await fetch(`http://${host}:${port}/v1/issuances?profile=${product.profile}`, {
      method: 'POST',
      headers,
      body: makeCertificationRequest(subject)
    })
    if (answer.status !== 201) throw new Error(`a model was not issued: ${await answer.text()}`)
    ids.push(((await answer.json()) as { id: string }).id)
  }
  return ids
}

/** The placeholder of an epoch, as long as the other. */
export function markOf(commonName: string, epoch: number): string {
  return `${commonName.slice(0, -1)}${epoch}`
}

async function makeStations({ administer }: RunningMintline): Promise<SeededStation[]> {
  const stations: SeededStation[] = []
  for (const [index, { name: line, site, stations: names }] of productionLines.entries()) {
    const profiles = products.filter(({ lines }) => lines.includes(index)).map(({ profile }) => profile)
    for (const name of names) {
      await administer('/v1/stations', { name, line, site, profiles })
      const token = (await administer('/v1/tokens', { role: 'station', name, station: name })) as {
        id: string
      }
      stations.push({ name, line, site, credential: Buffer.from(token.id.replaceAll('-', ''), 'hex') })
    }
  }
  return stations
}
