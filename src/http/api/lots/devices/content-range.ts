import { MintlineError } from '../../../../errors/mintline-error.ts'
import type { UploadRange } from '../../../../factory/lots/devices/list/device-list.ts'

interface RangeHeaders {
  readonly 'content-range'?: string | undefined
  readonly 'content-length'?: string | undefined
}

/**
 * Which part of the whole a PUT brings (RFC 9110, sections 14.4 and 14.5): all of it without Content-Range. With a
 * star in the place of the range and an empty body, it brings nothing more, and has the list that is here to its last octet taken.
 *
 * @throws MintlineError `request_invalid`.
 */
export function parseContentRange(headers: RangeHeaders): UploadRange {
  const { 'content-range': value, 'content-length': length } = headers
  if (value === undefined) return { start: 0, ...(length !== undefined && { total: Number(length) }) }
  const [, first, last, total] =
    /^bytes (?:(\d{1,10})-(\d{1,10})|\*)\/(\d{1,10}|\*)$/.exec(value.trim()) ?? []
  const whole = total === '*' ? undefined : Number(total)
  if (first === undefined && whole !== undefined && total !== undefined)
    return { start: whole, end: whole, total: whole }
  const start = Number(first)
  const end = Number(last) + 1
  if (first !== undefined && start < end && (whole === undefined || end <= whole))
    return { start, end, ...(whole !== undefined && { total: whole }) }
  throw new MintlineError('request_invalid', 'Content-Range cannot be read, or contradicts itself.', {
    violations: [
      {
        pointer: '/headers/content-range',
        expected: 'bytes first-last/total, e.g. bytes 1048576-4194303/4194304',
        found: JSON.stringify(value.slice(0, 64)),
        message: 'curl writes it with -C and the number of octets that are here.'
      }
    ]
  })
}
