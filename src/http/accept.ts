import { MintlineError } from '../errors/mintline-error.ts'

interface MediaRange {
  readonly type: string
  readonly quality: number
}

interface Rating {
  readonly quality: number
  /** How closely the range that gave the quality names the type. */
  readonly specificity: number
}

/**
 * Chooses among the media types on offer the one that an Accept header likes best; of equals the one it names
 * more closely, then the first on offer. Without a header anything will do. RFC 9110, section 12.5.1; parameters
 * other than `q` are passed over.
 *
 * @throws MintlineError `not_acceptable`
 */
export function chooseMediaType<Offer extends string>(
  accept: string | undefined,
  offers: readonly [Offer, ...Offer[]]
): Offer {
  if (accept === undefined || accept.trim() === '') return offers[0]
  const ranges = accept.split(',').map(parseRange)
  const [best] = offers
    .map(offer => ({ offer, ...rate(offer, ranges) }))
    .filter(({ quality }) => quality > 0)
    .sort((left, right) => right.quality - left.quality || right.specificity - left.specificity)
  if (best !== undefined) return best.offer
  throw new MintlineError('not_acceptable', `This route answers in ${offers.join(', ')}. Accept one of them.`)
}

/** An element that is not a media range matches nothing. */
function parseRange(element: string): MediaRange {
  const [type = '', ...parameters] = element.split(';').map(part => part.trim().toLowerCase())
  const weight = parameters.find(parameter => /^q\s*=/.test(parameter))
  if (weight === undefined) return { type, quality: 1 }
  const value = weight.slice(weight.indexOf('=') + 1).trim()
  return { type, quality: /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? Number(value) : 0 }
}

/** What the most specific range that covers the type says of it; quality 0 when none does. */
function rate(offer: string, ranges: readonly MediaRange[]): Rating {
  const [family = ''] = offer.split('/', 1)
  const patterns = ['*/*', `${family}/*`, offer]
  for (let specificity = patterns.length - 1; specificity >= 0; specificity -= 1) {
    const range = ranges.find(({ type }) => type === patterns[specificity])
    if (range !== undefined) return { quality: range.quality, specificity }
  }
  return { quality: 0, specificity: 0 }
}
