import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { type StatusAddresses, urisOf } from '../../pki/certificate/addresses/status-addresses.ts'
import type { Extension } from '../../pki/certificate/extension.ts'
import { shardOf } from '../../pki/revocation/shard.ts'
import { publicUrlOf } from '../../sources/site/public-url.ts'
import { statusPaths } from '../../sources/site/status-paths.ts'
import type { ProfileDocument } from '../document.ts'

/** As much of a profile as says which addresses its certificates name. */
export type AddressMembers = Pick<ProfileDocument, 'crlDistributionPoint' | 'authorityInformationAccess'>

/** As much of a certificate as decides which. */
export interface Named {
  /** Name of the generation that signs. */
  readonly generation: string
  readonly serialNumber: Uint8Array
}

/** Whether its certificates name any. */
export const asksForAddresses = ({
  crlDistributionPoint,
  authorityInformationAccess
}: AddressMembers): boolean => crlDistributionPoint !== undefined || authorityInformationAccess !== undefined

function pathsOf(
  { crlDistributionPoint: point, authorityInformationAccess = [] }: AddressMembers,
  { generation, serialNumber }: Named
): StatusAddresses {
  const crl =
    typeof point === 'object'
      ? statusPaths.crlShard(generation, point.shards, shardOf(serialNumber, point.shards))
      : statusPaths.crl(generation)
  return {
    ...(point !== undefined && { crl }),
    ...(authorityInformationAccess.includes('ocsp') && { ocsp: statusPaths.ocsp(generation) }),
    ...(authorityInformationAccess.includes('caIssuers') && {
      caIssuers: statusPaths.certificate(generation)
    })
  }
}

/**
 * The addresses that a certificate of the profile names, by the public address of the service.
 *
 * @throws MintlineError `authority_unavailable` where the profile asks for some and there is no public address.
 */
export function statusAddressesOf(
  members: AddressMembers & Pick<ProfileDocument, 'name'>,
  named: Named,
  publicUrl: string | undefined
): StatusAddresses {
  if (!asksForAddresses(members)) return {}
  if (publicUrl === undefined)
    throw new MintlineError(
      'authority_unavailable',
      `The certificates of profile ${members.name} are to name addresses of this service, and it has none: MINTLINE_PUBLIC_URL is not set. Tell the administrator.`
    )
  return prefixed(pathsOf(members, named), publicUrl)
}

/**
 * The same of a certificate that was written before, under the public address that it names itself: the setting may have changed
 * since. Whatever that address is, its paths are those of the generation, and it is the same in all of them.
 *
 * @returns with the public address, for the caller to judge. Without a usable one, the paths alone, so that whatever the
 * certificate says differs from them.
 */
export function statusAddressesIn(
  all: readonly Extension[],
  members: AddressMembers,
  named: Named
): { readonly addresses: StatusAddresses; readonly publicUrl: string | undefined } {
  const paths = pathsOf(members, named)
  const [path] = Object.values<string>({ ...paths })
  const [uri] = urisOf(all)
  const url = path !== undefined && uri?.endsWith(path) === true ? uri.slice(0, -path.length) : undefined
  const isUsable = url !== undefined && publicUrlOf(url) === url
  return isUsable
    ? { addresses: prefixed(paths, url), publicUrl: url }
    : { addresses: paths, publicUrl: undefined }
}

function prefixed(paths: StatusAddresses, publicUrl: string): StatusAddresses {
  return Object.fromEntries(Object.entries(paths).map(([member, path]) => [member, `${publicUrl}${path}`]))
}

/** @throws MintlineError `profile_invalid` where the profile asks for addresses and the service has none. */
export function assertAddressed(document: AddressMembers, publicUrl: string | undefined): void {
  if (publicUrl !== undefined) return
  const violations = (['crlDistributionPoint', 'authorityInformationAccess'] as const).flatMap(
    (member): Violation[] => {
      const value = document[member]
      if (value === undefined) return []
      return [
        {
          pointer: `/${member}`,
          expected: 'nothing, while MINTLINE_PUBLIC_URL is not set',
          found: JSON.stringify(value),
          message: 'Set MINTLINE_PUBLIC_URL and start the service again, or leave this out.'
        }
      ]
    }
  )
  if (violations.length === 0) return
  throw new MintlineError(
    'profile_invalid',
    'Certificates cannot name addresses of a service that has none: MINTLINE_PUBLIC_URL is not set.',
    { violations }
  )
}

/** What is legal, and may not be meant. */
export function addressWarnings(document: AddressMembers, publicUrl: string | undefined): Violation[] {
  if (!asksForAddresses(document) || publicUrl?.startsWith('https:') !== true) return []
  return [
    {
      pointer:
        document.crlDistributionPoint === undefined ? '/authorityInformationAccess' : '/crlDistributionPoint',
      expected: 'an http:// address, as MINTLINE_STATUS_PORT serves it',
      found: publicUrl,
      message:
        'Many relying parties fetch nothing over TLS to verify a certificate, since that would take another one to verify (RFC 5280, section 8).'
    }
  ]
}
