import { type IoTClient, ListCertificatesByCACommand } from '@aws-sdk/client-iot'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { InTurn } from '../../iot/in-turn.ts'

/** A device certificate as ListCertificatesByCA tells it. */
interface ListedCertificate {
  readonly certificateArn: string
  /** Lower-case hex. */
  readonly certificateId: string
  /** As AWS names it, e.g. ACTIVE. */
  readonly status: string
  /** By AWS's clock. */
  readonly registeredAt: Date | undefined
}

export interface ListedPage {
  readonly certificates: readonly ListedCertificate[]
  /** Of the next page; undefined: this was the last one. */
  readonly marker: string | undefined
}

export interface ListingControl {
  /** The device certificates of a CA, the oldest first. None where the CA is not registered. */
  listOfCa(caCertificateId: string, marker: string | undefined): Promise<ListedPage>
}

/** The most that AWS allows. */
const pageSize = 250

export function createListingControl(client: IoTClient, paced: InTurn): ListingControl {
  return {
    listOfCa: (caCertificateId, marker) =>
      paced('ListCertificatesByCA', async abortSignal => {
        const command = new ListCertificatesByCACommand({
          caCertificateId,
          marker,
          pageSize,
          // What comes meanwhile is at the end then.
          ascendingOrder: true
        })
        const { certificates = [], nextMarker } = await client.send(command, { abortSignal })
        return {
          certificates: certificates.map(each => ({
            certificateArn: each.certificateArn ?? '',
            certificateId: assertId(each.certificateId),
            status: each.status ?? '',
            registeredAt: each.creationDate
          })),
          marker: nextMarker === '' ? undefined : nextMarker
        }
      })
  }
}

function assertId(certificateId = ''): string {
  if (/^[0-9a-f]{64}$/.test(certificateId)) return certificateId
  throw new MintlineError(
    'aws_refused',
    'AWS answered iot:ListCertificatesByCA with something that is no certificate id. Check the endpoint that the service is told to use.'
  )
}
