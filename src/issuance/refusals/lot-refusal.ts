import { type ErrorCode, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import type { LotVerdict } from '../../factory/lots/lot.ts'
import type { IssuanceRequest } from '../request.ts'

/** The refusals of a request that has no place in its lot, or whose device it does not expect; `lot_required`, of one that names none, is decided by rules. */
export const lotCodes = [
  'lot_not_found',
  'lot_not_allowed',
  'lot_paused',
  'lot_closed',
  'lot_full',
  'device_not_expected'
] as const satisfies readonly ErrorCode[]

/** @throws MintlineError `lot_required` where the profile demands a lot and none is named. */
export function assertLotNamed({ lot }: IssuanceRequest, demands: 'required' | undefined): void {
  if (demands === 'required' && lot === undefined)
    throw lotRequired('The profile issues to devices of a lot alone, and the request names none.')
}

/** @param verdict of the commit, by what held then. */
export function lotRefusal(
  verdict: LotVerdict,
  { lot = '', profile, station }: IssuanceRequest
): MintlineError {
  const { name } = station
  const see = `GET /v1/lots/${lot}`
  switch (verdict) {
    case 'required':
      return lotRequired(
        `The station ${name} issues to devices of its lots alone, and the request names none.`
      )
    case 'not_found':
      return refuse(
        'lot_not_found',
        `There is no lot ${lot}. Check the id; GET /v1/lots lists those that there are.`,
        [violation('/lot', 'the id of a lot that there is', lot)]
      )
    case 'other_profile':
      return refuse(
        'lot_not_allowed',
        `The lot ${lot} is not of the profile ${profile}. Check both at the station.`,
        [violation('/profile', `the profile of the lot ${lot}`, profile)]
      )
    case 'other_station':
      return refuse(
        'lot_not_allowed',
        `The station ${name} may not make the lot ${lot}. Check the lot. Where it is right, an operator adds it to the lots of the station (PATCH /v1/stations/${name}), or, where the lot is for other stations, makes one for this station (POST /v1/lots).`,
        [violation('/lot', 'a lot that is for the station, at a station that is for the lot', lot)]
      )
    case 'paused':
      return refuse(
        'lot_paused',
        `The lot ${lot} is paused. An operator resumes it; then send the CSR again.`
      )
    case 'early':
      return refuse(
        'lot_paused',
        `The lot ${lot} is not open yet. Ask an operator from when on it is (opensAt in ${see}), and send the CSR again then.`
      )
    case 'over':
      return refuse(
        'lot_closed',
        `The time of the lot ${lot} is over (closesAt). Name the lot that is made now.`
      )
    case 'closed':
      return refuse('lot_closed', `The lot ${lot} is closed. Name the lot that is made now.`)
    case 'full':
      return refuse(
        'lot_full',
        `All places of the lot ${lot} are taken. Stop the line; an operator compares ${see} with the order and raises the quantity where it was raised.`
      )
  }
}

function lotRequired(detail: string): MintlineError {
  return refuse('lot_required', `${detail} Add the lot of the device.`, [
    violation('/lot', 'the id of the lot that is made', 'nothing')
  ])
}

function refuse(code: ErrorCode, detail: string, violations: readonly Violation[] = []): MintlineError {
  return new MintlineError(code, detail, { violations })
}

function violation(pointer: string, expected: string, found: string): Violation {
  return { pointer, expected, found, message: `Set ${pointer.slice(1)} at the station.` }
}
