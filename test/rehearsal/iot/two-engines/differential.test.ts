import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonMembers } from '../../../jitp/template-cases.ts'
import {
  type Account,
  type Device,
  judgeByCheck,
  openAccount,
  type Switches,
  type Verdict
} from './engines.ts'
import { type Devices, makeDevices } from './random-devices.ts'
import { functionTemplates, plainTemplates } from './random-templates.ts'

/**
 * What is refused before a certificate is signed, and only there: what cannot be predicted, what would be of no use, and
 * where AWS contradicts itself.
 */
const onTheSafeSide: ReadonlySet<string> = new Set([
  'certificate',
  'certificate-id-decides',
  'certificate-id-names-nothing',
  'certificate-not-active',
  'policy-document-from-id',
  'subject-field-characters'
])

let account: Account
let devices: Devices

beforeAll(async () => {
  account = await openAccount()
  devices = await makeDevices()
})

const switchesWith = (functions: fc.Arbitrary<boolean>): fc.Arbitrary<Switches> =>
  fc.record({
    functions,
    serialNumberSource: fc.constantFrom('subject', 'certificate'),
    plainCharacters: fc.boolean(),
    defaults: fc.boolean()
  })
const mostlyAccepted = fc.nat(9).map(chance => chance > 0)

/** Odd ones once in five times. */
const anyDevice = fc.tuple(fc.nat(4), fc.nat(1_000_000)).map(([chance, index]) => ({
  from: chance === 0 ? ('odd' as const) : ('usual' as const),
  index
}))

/** What RFC 4514 writes with a backslash: in a policy document even a quote becomes harmless by that. */
const isEscaped = ({ facts }: Device): boolean =>
  Object.values(facts?.subject ?? {}).some(value => /[,+"\\<>;=#]|^ | $/.test(value))

function assertAlike(check: Verdict, standIn: Verdict, isSafe: (id: string) => boolean): void {
  if (check.made !== undefined) expect(standIn).toEqual(check)
  else if (standIn.made !== undefined) expect(check.refusals.filter(id => !isSafe(id))).toEqual([])
}

interface Mix {
  readonly templates: fc.Arbitrary<JsonMembers>
  readonly anySwitches: fc.Arbitrary<Switches>
  readonly runs: number
  /** Of them both engines accept so many at the least. */
  readonly leastAccepted: number
}

/** More of them, to look for longer than each run of the tests does. */
const times = Number(process.env['FUZZ_TIMES'] ?? 1)

const mixes: Readonly<Record<string, Mix>> = {
  'with functions': {
    templates: functionTemplates,
    anySwitches: switchesWith(mostlyAccepted),
    runs: 3_500 * times,
    leastAccepted: 375 * times
  },
  'without functions': {
    templates: plainTemplates,
    anySwitches: switchesWith(fc.boolean()),
    runs: 2_500 * times,
    leastAccepted: 1_000 * times
  }
}

describe('random templates are judged alike by both engines, which make the same of a device', () => {
  it.each(Object.entries(mixes))('%s', (_, { templates, anySwitches, runs, leastAccepted }) => {
    let accepted = 0
    fc.assert(
      fc.property(templates, anyDevice, anySwitches, (template, { from, index }, switches) => {
        const device = devices[from][index % devices[from].length]!
        const body = JSON.stringify(template)
        const check = judgeByCheck(body, device, switches)
        assertAlike(
          check,
          account.judge(body, device, switches),
          id =>
            onTheSafeSide.has(id) ||
            // The stand-in always takes a default for a field that is not there.
            (!switches.defaults && id === 'subject-field-missing') ||
            (!switches.plainCharacters && isEscaped(device) && id === 'policy-document-not-json')
        )
        if (check.made !== undefined) accepted += 1
      }),
      { numRuns: runs }
    )
    expect(accepted).toBeGreaterThan(leastAccepted)
  })
})
